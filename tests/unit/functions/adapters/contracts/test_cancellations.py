"""What the use cases may rely on: order lines that a person cancels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from bintally.adapters.consignments import DynamoOrders
from bintally.domain.attention import Attention, Group
from bintally.domain.cancellations import Cancellation
from bintally.domain.verdicts import NO_LONGER_ORDERED, NOT_COUNTED, Finding, OrderLine, Verdict

from tests.unit.functions.adapters.contracts.ports import MATCH, stored, waiting
from tests.unit.functions.aws import client, empty_stack, table
from tests.unit.functions.examples import LATER, NOON, order_line

BY_ANN = Cancellation("ann", NOON, "customer cancelled")
SHORT = Finding(Verdict.SHORT, "Too few.", 2, attention=Attention(Group.LOOK, "2026-05-04#0001"))


def only_line(ports: Any) -> OrderLine:
    (line,) = stored(ports, ("C-1", "P-17-C"))
    return line


def cancelled(ports: Any, line: OrderLine) -> OrderLine:
    ports.orders.put([line], NOON)
    assert ports.orders.cancel([line], BY_ANN) == 1
    return only_line(ports)


def state(line: OrderLine) -> tuple[Verdict, str, int, str]:
    return line.verdict, line.reason, line.expected, line.order_version


def test_a_cancelled_line_waits_for_nobody_and_is_not_judged(ports: Any) -> None:
    ports.orders.put([order_line(3, due=NOON)], NOON)
    ports.orders.judge([(order_line(3, due=NOON), SHORT, 4)], NOON)

    line = cancelled(ports, order_line(3, due=NOON))

    assert (line.verdict, line.reason) == (Verdict.WITHDRAWN, "Cancelled by ann: customer cancelled.")
    assert (line.cancelled, line.attention, line.counted) == (BY_ANN, None, 2)
    assert list(ports.orders.queued(Group.LOOK)) == []
    assert waiting(ports, LATER) == []
    assert ports.orders.judge([(order_line(3, due=NOON), MATCH, 5)], NOON) == set()


def test_the_first_cancellation_stays(ports: Any) -> None:
    line = cancelled(ports, order_line(3))

    assert ports.orders.cancel([line, order_line(3, bin_id="unknown")], Cancellation("bob", LATER)) == 0

    assert only_line(ports).cancelled == BY_ANN
    assert ports.orders.of_consignment("C-1") == [only_line(ports)]


@pytest.mark.parametrize("expected", [3, 5])
def test_a_newer_file_changes_the_terms_but_does_not_bring_the_line_back(ports: Any, expected: int) -> None:
    cancelled(ports, order_line(3))

    ports.orders.put([replace(order_line(expected, due=NOON), order_version="2", replace_version="2")], LATER)

    line = only_line(ports)
    assert state(line) == (Verdict.WITHDRAWN, BY_ANN.reason, expected, "2")
    assert line.cancelled == BY_ANN
    assert waiting(ports, LATER) == []
    assert ports.orders.restore([line], LATER) == 1
    assert state(only_line(ports)) == (Verdict.PENDING, NOT_COUNTED, expected, "2")
    assert waiting(ports, LATER) == ["P-17-C"]


def test_a_restored_line_that_a_newer_file_no_longer_has_stays_withdrawn(ports: Any) -> None:
    line = cancelled(ports, order_line(3))
    assert ports.orders.withdraw([(line, "2")], LATER) == 0
    assert only_line(ports).reason == BY_ANN.reason

    assert ports.orders.restore([line], LATER) == 1, "as it is now, and not as it was read"

    assert state(only_line(ports)) == (Verdict.WITHDRAWN, NO_LONGER_ORDERED, 3, "1")
    assert only_line(ports).cancelled is None
    assert ports.orders.restore([only_line(ports)], LATER) == 0


def test_a_restored_line_has_nothing_of_its_old_verdict(ports: Any) -> None:
    ports.orders.put([order_line(3)], NOON)
    ports.orders.judge([(order_line(3), SHORT, 4)], NOON)
    line = cancelled(ports, order_line(3))

    ports.orders.restore([line], LATER)

    assert only_line(ports) == order_line(3)
    assert ports.orders.judge([(order_line(3), MATCH, 4)], NOON) == {("C-1", "P-17-C")}


@pytest.mark.parametrize("expected", [3, 5])
def test_an_import_does_not_bring_back_what_is_cancelled_between_its_read_and_its_write(expected: int) -> None:
    with empty_stack():
        orders = DynamoOrders(client("dynamodb"), table("ConsignmentsTable"))
        orders.put([order_line(3, due=NOON)], NOON)

        class Overtaken:
            def __getattr__(self, name: str) -> Any:
                return getattr(client("dynamodb"), name)

            def batch_get_item(self, **request: Any) -> Any:
                found = client("dynamodb").batch_get_item(**request)
                orders.cancel([order_line(3)], BY_ANN)
                return found

        newer = replace(order_line(expected, due=NOON), order_version="2")
        DynamoOrders(Overtaken(), table("ConsignmentsTable")).put([newer], LATER)

        (line,) = orders.of_consignment("C-1")
        assert state(line) == (Verdict.WITHDRAWN, BY_ANN.reason, expected, "2")
        assert orders.due(LATER, 10) == []
