"""What the use cases may rely on: lines that a newer order file no longer has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from bintally.domain.verdicts import NO_LONGER_ORDERED, NOT_COUNTED, OrderLine, Verdict, outdated

from tests.unit.functions.adapters.contracts.ports import (
    MATCH,
    stored,
    waiting,
)
from tests.unit.functions.examples import (
    LATER,
    NOON,
    order_line,
)


def withdrawn(ports: Any, line: OrderLine, version: str = "2") -> int:
    return int(ports.orders.withdraw([(line, version)], LATER))


def only_line(ports: Any) -> OrderLine:
    (line,) = stored(ports, ("C-1", "P-17-C"))
    return line


def test_the_lines_of_many_consignments_are_read(ports: Any) -> None:
    lines = [order_line(1, bin_id="a"), order_line(2, bin_id="b"), order_line(3, bin_id="a", consignment="C-2")]
    ports.orders.put(lines, NOON)

    assert ports.orders.of_consignments(["C-1", "C-2", "C-9"]) == {"C-1": lines[:2], "C-2": lines[2:]}
    assert ports.orders.of_consignments([]) == {}


def test_a_line_is_withdrawn_once(ports: Any) -> None:
    ports.orders.put([order_line(3)], NOON)

    assert withdrawn(ports, order_line(3)) == 1
    line = only_line(ports)
    assert (line.verdict, line.order_version, line.replace_version) == (Verdict.WITHDRAWN, "1", "2")
    assert line.reason == NO_LONGER_ORDERED
    assert outdated([line]) == []
    assert withdrawn(ports, line, "3") == 0
    assert only_line(ports).replace_version == "3"
    assert ports.orders.withdraw([], NOON) == 0


def test_a_line_that_a_newer_import_wrote_meanwhile_is_not_withdrawn(ports: Any) -> None:
    ports.orders.put([order_line(3)], NOON)
    ports.orders.put([replace(order_line(3), order_version="3")], NOON)

    assert withdrawn(ports, order_line(3)) == 0
    assert only_line(ports).verdict is Verdict.PENDING


def test_a_withdrawn_line_does_not_wait_for_its_due_time_any_more(ports: Any) -> None:
    ports.orders.put([order_line(3, due=NOON)], NOON)
    withdrawn(ports, order_line(3, due=NOON))
    assert waiting(ports, LATER) == []

    ports.orders.put([replace(order_line(3, due=NOON), order_version="2")], NOON)

    assert waiting(ports, LATER) == ["P-17-C"]


def test_a_withdrawn_line_is_not_judged(ports: Any) -> None:
    ports.orders.put([order_line(3)], NOON)
    withdrawn(ports, order_line(3))

    assert ports.orders.judge([(order_line(3), MATCH, 4)], NOON) == set()
    assert only_line(ports).verdict is Verdict.WITHDRAWN


def test_a_withdrawn_line_that_is_ordered_again_is_pending(ports: Any) -> None:
    ports.orders.put([order_line(3)], NOON)
    ports.orders.judge([(order_line(3), MATCH, 4)], NOON)
    withdrawn(ports, order_line(3))

    ports.orders.put([replace(order_line(3), order_version="2", replace_version="2")], NOON)

    line = only_line(ports)
    assert (line.verdict, line.reason, line.counted) == (Verdict.PENDING, NOT_COUNTED, None)
    assert (line.order_version, line.replace_version) == ("2", "2")


@pytest.mark.parametrize(("held", "marked"), [("", "2"), ("1", "2"), ("3", "3")])
def test_a_newer_line_records_that_its_consignment_was_replaced(ports: Any, held: str, marked: str) -> None:
    """The line of an adding file stays; lines that an older file adds later are still withdrawn."""
    ports.orders.put([replace(order_line(3), order_version="4", replace_version=held)], NOON)

    ports.orders.put([replace(order_line(5), order_version="2", replace_version="2")], NOON)

    line = only_line(ports)
    assert (line.expected, line.order_version, line.replace_version) == (3, "4", marked)


def test_an_adding_file_keeps_the_replace_version(ports: Any) -> None:
    ports.orders.put([replace(order_line(3), replace_version="1")], NOON)

    ports.orders.put([replace(order_line(4), order_version="2")], NOON)

    assert (only_line(ports).expected, only_line(ports).replace_version) == (4, "1")


def test_a_newer_line_does_not_lower_the_replace_version(ports: Any) -> None:
    ports.orders.put([order_line(3)], NOON)
    withdrawn(ports, order_line(3), "4")

    ports.orders.put([replace(order_line(3), order_version="2", replace_version="2")], NOON)

    assert (only_line(ports).verdict, only_line(ports).replace_version) == (Verdict.PENDING, "4")
    assert outdated([only_line(ports)]) == [(only_line(ports), "4")]
