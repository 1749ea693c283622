from __future__ import annotations

from collections.abc import Iterator

import pytest
from bincli.commands.cancel import cancel_lines
from bincli.commands.consignment import show_consignment, show_consignments
from bincli.commands.lines import Filter, show_lines
from bincli.deployment import Deployment
from bintally.domain.cancellations import Cancellation
from bintally.domain.errors import CancellationError
from bintally.domain.verdicts import OrderLine, Verdict

from tests.template.deployed import stack
from tests.unit.cli.printing import Printed
from tests.unit.functions.aws import client, empty_stack
from tests.unit.functions.examples import NOON

ANN = Cancellation("ann", "", "too late")


@pytest.fixture
def site() -> Iterator[Deployment]:
    with empty_stack():
        deployment = Deployment("bintally", stack().outputs, client)
        deployment.orders.put([OrderLine("C-1", each, 3, order_version="1") for each in "ab"], NOON)
        yield deployment


def test_lists_say_what_is_cancelled(site: Deployment) -> None:
    said, lines, consignments, people = Printed(), Printed(as_json=True), Printed(as_json=True), Printed()

    cancel_lines(site, "C-1", {"a"}, ANN, said)

    assert said.stdout == "1 line of C-1 cancelled.\n"
    show_lines(site, Filter((Verdict.WITHDRAWN,)), lines)
    assert [(each["bin_id"], each["cancelled"]["by"]) for each in lines.records] == [("a", "ann")]
    show_consignments(site, consignments)
    assert (consignments.records[0]["verdict"], consignments.records[0]["cancelled"]) == ("PENDING", 1)
    show_consignment(site, "C-1", people)
    assert "WITHDRAWN, cancelled" in people.stdout
    assert "Cancelled by ann: too late." in people.stdout


def test_cancelling_and_restoring_again_changes_nothing(site: Deployment) -> None:
    output = Printed(as_json=True)

    for cancellation in (ANN, ANN, None, None):
        cancel_lines(site, "C-1", {"a"}, cancellation, output)

    names = ("cancelled", "cancelled", "restored", "restored")
    assert [(record[name], record["unchanged"]) for record, name in zip(output.records, names, strict=True)] == [
        (1, 0),
        (0, 1),
        (1, 0),
        (0, 1),
    ]


def test_a_line_that_is_unknown_is_named(site: Deployment) -> None:
    with pytest.raises(CancellationError, match="no line for bin z"):
        cancel_lines(site, "C-1", {"a", "z"}, ANN, Printed())
