from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from bincli.commands.quality import show_quality, waiting_audits
from bincli.deployment import Deployment
from bintally.domain.attention import Attention, Group
from bintally.domain.decisions import Decision
from bintally.domain.image import Status
from bintally.domain.verdicts import Finding, Verdict
from bintally.usecases.decide import decide

from tests.template.deployed import stack
from tests.unit.cli.printing import Printed
from tests.unit.functions.adapters.contracts.ports import ANSWER, JOB, completion
from tests.unit.functions.aws import client, empty_stack
from tests.unit.functions.examples import EARLIER, NOON, NOW, counted, make_image, order_line

MATCH = Finding(Verdict.MATCH, "As expected.", 3, audit_share=1.0, attention=Attention(Group.LOOK, "9999-12-31#0000"))


@pytest.fixture
def site() -> Iterator[Deployment]:
    """Two bins whose only line is a MATCH that was drawn."""
    images, lines = [make_image(f"{name}/1.jpg") for name in "ab"], [order_line(3, bin_id=name) for name in "ab"]
    counts = [completion(image, Status.COUNTED, "", ANSWER) for image in images]
    with empty_stack():
        deployed = Deployment("bintally", stack().outputs, client)
        deployed.ledger.register(images, JOB.job_id, NOON)
        deployed.ledger.complete(counts, JOB.job_id, NOON)
        deployed.bins.record([counted(image) for image in images], NOON)
        deployed.orders.put(lines, EARLIER)
        deployed.orders.judge([(line, MATCH, 1) for line in lines], NOON)
        yield deployed


def test_a_person_reads_what_audits_say_and_what_is_missing(site: Deployment) -> None:
    decide(site, Decision("a", "d-1", "", "ann", "", 3, blind=True), now=NOW)
    decide(site, Decision("b", "d-2", "", "ann", "", 3), now=NOW)
    people, programs = Printed(), Printed(as_json=True)

    show_quality(site, people)
    show_quality(site, programs)

    figures = dict(row for row in people.rows[1:] if len(row) == 2)
    assert figures["Audits counted blind"] == "1"
    assert figures["Wrong lines among MATCH"] == "0 of 1 audit, and with 95% at most 95.0%"
    assert "Only audits tell how often orders are wrong" in people.stdout
    assert "1 audit tells nothing: 1 not counted blind" in people.stdout
    assert "148 more MATCH audits without a wrong line would bring the bound to 2%." in people.stdout
    (record,) = programs.records
    assert (record["audits"], record["waiting"], record["more_audits"]["0.02"]) == (1, 2, 148)
    assert record["audited_photos"] == {"photos": 1, "same": 1}


def test_what_waits_is_what_nobody_decided_about() -> None:
    drawn = replace(order_line(), audit_share=0.03)
    others = [replace(drawn, attention=Attention(group, "")) for group in Group]

    assert waiting_audits([drawn, *others, order_line()]) == 1
