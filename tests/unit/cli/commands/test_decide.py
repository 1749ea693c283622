from dataclasses import replace

import pytest
from bincli.commands.bins import show_bins
from bincli.commands.decide import show_history, store_decision, undo_decision
from bincli.commands.lines import Filter, csv_of, show_lines
from bincli.deployment import Deployment
from bincli.errors import CommandError
from bincli.main import app
from bintally.domain.decisions import Decision
from bintally.domain.image import Status
from bintally.domain.risk import Odds
from bintally.domain.verdicts import Finding, OrderLine, Verdict
from typer.testing import CliRunner

from tests.template.deployed import stack
from tests.unit.cli.fakes import OUTPUTS, FakeDynamo
from tests.unit.cli.printing import Printed
from tests.unit.functions.adapters.contracts.ports import ANSWER, JOB, completion
from tests.unit.functions.aws import client, empty_stack
from tests.unit.functions.examples import EARLIER, LATER, NOON, counted, make_image, order_line

WANTED = Decision("P-17-C", "d-1", "", "ann", "", 4, reason_code="recount")


@pytest.fixture
def deployment():
    with empty_stack():
        deployed = Deployment("bintally", stack().outputs, client)
        deployed.ledger.register([make_image()], JOB.job_id, NOON)
        deployed.ledger.complete([completion(make_image(), Status.COUNTED, "", ANSWER)], JOB.job_id, NOON)
        deployed.bins.record([counted()], NOON)
        deployed.orders.put([order_line(3, due=LATER)], EARLIER)
        deployed.orders.judge([(order_line(3, due=LATER), Finding(Verdict.MATCH, "As expected.", 3), 1)], NOON)
        yield deployed


def test_a_decision_is_stored_shown_and_undone(deployment):
    stored, bins, undone, past = (Printed(as_json=True) for _ in range(4))

    store_decision(deployment, WANTED, stored)
    show_bins(deployment, "P-17-C", bins)
    undo_decision(deployment, "P-17-C", "d-1", "bob", undone)
    show_history(deployment, "P-17-C", past)

    (record,) = stored.records
    assert (record["count"], record["reason_code"], record["cannot_tell"]) == (4, "recount", False)
    assert record["lines"] == [
        {"consignment_id": "C-1", "expected": 3, "order_version": "1", "verdict": "MATCH", "audit": False},
    ]
    (bin_record,) = bins.records
    assert (bin_record["count"], bin_record["source"], bin_record["human"]["count"]) == (3, "human", 4)
    assert undone.records[0]["undone_by"] == "bob"
    assert sorted(each["kind"] for each in past.records[-2:]) == ["decision", "undo"]
    assert {each["kind"] for each in past.records[:2]} == {"order", "photo"}
    assert {each["kind"] for each in past.records[2:4]} == {"result", "verdict"}


def test_people_read_what_was_stored(deployment):
    output = Printed()

    store_decision(deployment, replace(WANTED, count=None), output)
    show_bins(deployment, "P-17-C", output)
    show_history(deployment, "P-17-C", output)

    assert "Bin P-17-C: can't tell, decided by ann." in output.stdout
    assert "Undo it with --undo d-1." in output.stdout
    assert "ann can't tell (recount), photo" in output.stdout


def test_an_unknown_bin_has_no_history(deployment):
    with pytest.raises(CommandError, match="Bin X not found"):
        show_history(deployment, "X", Printed())


@pytest.mark.parametrize("arguments", [["P"], ["P", "3", "--cannot-tell"], ["P", "3", "--undo", "d"], ["P", "-1"]])
def test_one_of_count_cannot_tell_and_undo_is_given(arguments):
    assert CliRunner().invoke(app, ["decide", *arguments]).exit_code == 2


def line(consignment, bin_id, verdict, risk=None, due=None, **more):
    odds = Odds(risk, 0.0) if risk is not None else None
    return OrderLine(consignment, bin_id, 3, due, "1", verdict, "why", 3, odds=odds, **more)


LINES = [
    line("C-1", "a", Verdict.MATCH, 0.01, audit_share=0.03),
    line("C-1", "b", Verdict.UNCERTAIN, 0.2, "2026-05-05T00:00:00.000Z"),
    line("C-2", "c", Verdict.UNCERTAIN, 0.4, "2026-05-04T00:00:00.000Z", overdue=True),
    line("C-2", "d", Verdict.SHORT, 0.9),
    line("C-2", "e", Verdict.WITHDRAWN),
]


@pytest.mark.parametrize(
    ("chosen", "bins"),
    [
        (Filter(), "dcba"),
        (Filter(verdicts=[Verdict.MATCH, Verdict.WITHDRAWN]), "ae"),
        (Filter(consignment_id="C-1 "), "ba"),
        (Filter(due_before="2026-05-05T00:00:00.000Z"), "c"),
        (Filter(overdue=True), "c"),
        (Filter(audits=True), "a"),
        (Filter(consignment_id="C-3"), ""),
    ],
)
def test_the_chosen_lines_are_listed_riskiest_first(chosen, bins):
    output, people = Printed(as_json=True), Printed()
    items = [item_of(each) for each in LINES]
    deployment = Deployment("fake", OUTPUTS, lambda service: FakeDynamo(consignmentstable=items))

    show_lines(deployment, chosen, output)
    show_lines(deployment, chosen, people)

    assert [each["bin_id"] for each in output.records] == list(bins)
    assert [row[1] for row in people.rows[1:]] == list(bins)
    assert bins or "No order line meets these conditions." in people.stderr


def item_of(each):
    facts = {"consignment_id": each.consignment_id, "bin_id": each.bin_id, "expected": each.expected, "reason": "why"}
    facts |= {"order_version": "1", "verdict": str(each.verdict), "due_at": each.due_at, "overdue": each.overdue}
    odds = {"probability_fewer": each.odds.fewer, "probability_more": each.odds.more} if each.odds else {}
    audit = {"audit": True, "audit_share": each.audit_share} if each.audit else {}
    return facts | odds | audit


def test_text_in_csv_is_never_a_formula():
    rows = csv_of([line("=cmd|'x'", "-1", Verdict.MATCH), line("C", "a,b", Verdict.MATCH)]).splitlines()

    assert rows[0].startswith("consignment_id,bin_id,expected")
    assert rows[1].startswith("'=cmd|'x','-1,3")
    assert rows[2].startswith('C,"a,b",3')


def test_csv_and_json_are_not_both_given():
    assert CliRunner().invoke(app, ["lines", "--csv", "--json"]).exit_code == 2
