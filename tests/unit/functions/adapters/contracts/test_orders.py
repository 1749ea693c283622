"""What the use cases may rely on: order lines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from bintally.domain.orders import OrderFile, Progress
from bintally.domain.risk import Odds
from bintally.domain.verdicts import NOT_COUNTED, Finding, OrderLine, Verdict

from tests.unit.functions.adapters.contracts.ports import (
    MATCH,
    stored,
    waiting,
)
from tests.unit.functions.examples import (
    EARLIER,
    HOSTILE_KEYS,
    LATER,
    NOON,
    order_file,
    order_line,
)


def test_lines_are_found_by_key_by_consignment_and_by_bin(ports: Any) -> None:
    lines = [
        order_line(1, bin_id="a"),
        order_line(2, bin_id="b", due=LATER),
        order_line(3, bin_id="a", consignment="C-2"),
    ]
    ports.orders.put(lines, NOON)

    assert stored(ports, ("C-1", "a"), ("C-1", "b"), ("C-2", "a")) == lines
    assert ports.orders.of_consignment("C-1") == lines[:2]
    assert ports.orders.of_consignment("C-9") == []
    assert ports.orders.of_bins(["a"]) == {("C-1", "a"), ("C-2", "a")}
    assert ports.orders.of_bins(["a", "b", "unknown"]) == {("C-1", "a"), ("C-2", "a"), ("C-1", "b")}
    assert ports.orders.of_bins([]) == set()
    assert ports.orders.read([]) == {}
    assert ports.orders.read([("C-9", "a")]) == {}


@pytest.mark.parametrize("number", [0, 1, 101])
def test_any_number_of_lines_is_written(ports: Any, number: int) -> None:
    lines = [order_line(1, bin_id=f"bin-{index:04}") for index in range(number)]

    ports.orders.put(lines, NOON)

    assert ports.orders.of_consignment("C-1") == lines


@pytest.mark.parametrize("pending", [None, 0, 1, 2])
def test_a_consignment_is_read_completely_unless_a_line_is_pending(ports: Any, pending: int | None) -> None:
    lines = [order_line(1, bin_id=f"bin-{index:04}") for index in range(3)]
    ports.orders.put(lines, NOON)
    judged = [(line, MATCH, 1) for number, line in enumerate(lines) if number != pending]
    ports.orders.judge(judged, NOON)

    expected = ports.orders.of_consignment("C-1") if pending is None else []
    assert ports.orders.unless_pending("C-1") == expected
    assert ports.orders.unless_pending("C-9") == []


def test_a_newer_version_replaces_a_line_and_its_verdict(ports: Any) -> None:
    ports.orders.put([order_line(3)], NOON)
    ports.orders.judge([(order_line(3), MATCH, 4)], NOON)

    ports.orders.put([replace(order_line(5, due=LATER), order_version="2")], NOON)

    assert stored(ports, ("C-1", "P-17-C")) == [
        OrderLine("C-1", "P-17-C", 5, LATER, "2", Verdict.PENDING, NOT_COUNTED, None, 0)
    ]


def test_a_newer_version_that_says_the_same_keeps_the_verdict(ports: Any) -> None:
    ports.orders.put([order_line(3)], NOON)
    ports.orders.judge([(order_line(3), MATCH, 4)], NOON)

    ports.orders.put([replace(order_line(3), order_version="2")], NOON)

    assert stored(ports, ("C-1", "P-17-C")) == [
        OrderLine("C-1", "P-17-C", 3, None, "2", Verdict.MATCH, "As expected.", 3, 4)
    ]


@pytest.mark.parametrize("version", ["1", "2"])
def test_an_older_or_equal_version_changes_nothing(ports: Any, version: str) -> None:
    ports.orders.put([replace(order_line(3), order_version="2")], NOON)

    ports.orders.put([replace(order_line(5), order_version=version)], NOON)

    assert [line.expected for line in stored(ports, ("C-1", "P-17-C"))] == [3]


def test_a_removed_date_is_gone(ports: Any) -> None:
    ports.orders.put([order_line(3, due=LATER)], NOON)

    ports.orders.put([replace(order_line(3), order_version="2")], NOON)

    assert [line.due_at for line in stored(ports, ("C-1", "P-17-C"))] == [None]


def test_a_line_keeps_the_volume_of_its_items_and_another_one_is_judged_again(ports: Any) -> None:
    line = replace(order_line(3), item_volume_l=0.1 + 0.2, sku="4711")
    ports.orders.put([replace(line, item_volume_l=0.3)], NOON)
    ports.orders.judge([(replace(line, item_volume_l=0.3), MATCH, 4)], NOON)

    for version, volume, sku, verdict in (
        ("2", 0.3, "4711", Verdict.MATCH),
        ("3", 0.4, "4711", Verdict.PENDING),
        ("4", None, "", Verdict.PENDING),
    ):
        ports.orders.put([replace(line, order_version=version, item_volume_l=volume, sku=sku)], NOON)
        (held,) = stored(ports, line.key)
        assert (held.item_volume_l, held.sku, held.verdict) == (volume, sku, verdict)


def test_a_verdict_is_written_with_its_count_and_revision(ports: Any) -> None:
    ports.orders.put([order_line(3)], NOON)

    assert ports.orders.judge([(order_line(3), MATCH, 4)], NOON) == {("C-1", "P-17-C")}

    (line,) = stored(ports, ("C-1", "P-17-C"))
    assert (line.verdict, line.reason, line.counted, line.bin_revision) == (Verdict.MATCH, "As expected.", 3, 4)
    assert ports.orders.judge([], NOON) == set()


@pytest.mark.parametrize(
    "before", [order_line(3), order_line(3, due=EARLIER), replace(order_line(3), item_volume_l=2.5)]
)
@pytest.mark.parametrize("after", [order_line(5), order_line(3, due=LATER), replace(order_line(3), item_volume_l=0.5)])
def test_a_verdict_on_outdated_terms_is_refused(ports: Any, before: OrderLine, after: OrderLine) -> None:
    ports.orders.put([before], NOON)
    ports.orders.put([replace(after, order_version="2")], NOON)

    assert ports.orders.judge([(before, MATCH, 4)], NOON) == set()
    assert [line.verdict for line in stored(ports, ("C-1", "P-17-C"))] == [Verdict.PENDING]


@pytest.mark.parametrize("due", [None, LATER])
def test_a_verdict_is_accepted_if_the_same_terms_were_imported_meanwhile(ports: Any, due: str | None) -> None:
    line = order_line(3, due=due)
    ports.orders.put([line], NOON)
    ports.orders.put([replace(line, order_version="2")], NOON)

    assert ports.orders.judge([(line, MATCH, 4)], NOON) == {("C-1", "P-17-C")}


def test_a_verdict_on_an_older_count_is_refused(ports: Any) -> None:
    short = Finding(Verdict.SHORT, "Fewer.", 2, odds=Odds(0.875, 0.01))
    ports.orders.put([order_line(3)], NOON)
    ports.orders.judge([(order_line(3), MATCH, 4)], NOON)

    assert ports.orders.judge([(order_line(3), short, 3)], NOON) == set()
    assert ports.orders.judge([(order_line(3), short, 4)], NOON) == {("C-1", "P-17-C")}
    (line,) = stored(ports, ("C-1", "P-17-C"))
    assert (line.verdict, line.odds, line.risk) == (Verdict.SHORT, Odds(0.875, 0.01), 0.885)


def test_a_verdict_on_an_unknown_line_writes_nothing(ports: Any) -> None:
    assert ports.orders.judge([(order_line(3), MATCH, 1)], NOON) == set()
    assert ports.orders.of_consignment("C-1") == []


def test_a_verdict_without_a_count_clears_the_previous_count(ports: Any) -> None:
    ports.orders.put([order_line(3)], NOON)
    ports.orders.judge([(order_line(3), MATCH, 4)], NOON)

    ports.orders.judge([(order_line(3), Finding(Verdict.UNREADABLE, "Damaged."), 5)], NOON)

    (line,) = stored(ports, ("C-1", "P-17-C"))
    assert (line.verdict, line.counted, line.bin_revision, line.odds) == (Verdict.UNREADABLE, None, 5, None)


def test_a_line_over_range_has_a_minimum_until_there_is_a_count(ports: Any) -> None:
    over = Finding(Verdict.OVER, "More.", None, 6, odds=Odds(0.000123, 0.9))
    ports.orders.put([order_line(3)], NOON)

    ports.orders.judge([(order_line(3), over, 4)], NOON)
    (line,) = stored(ports, ("C-1", "P-17-C"))
    assert (line.counted, line.counted_at_least) == (None, 6)
    ports.orders.judge([(order_line(3), MATCH, 5)], NOON)
    (line,) = stored(ports, ("C-1", "P-17-C"))
    assert (line.counted, line.counted_at_least) == (3, None)
    ports.orders.judge([(order_line(3), over, 6)], NOON)
    ports.orders.put([replace(order_line(5), order_version="2")], NOON)

    (line,) = stored(ports, ("C-1", "P-17-C"))
    assert (line.counted, line.counted_at_least, line.odds) == (None, None, None)


def test_among_several_verdicts_only_refused_ones_are_omitted(ports: Any) -> None:
    lines = [order_line(3, bin_id=bin_id) for bin_id in "abc"]
    ports.orders.put(lines, NOON)
    ports.orders.put([replace(lines[1], expected=4, order_version="2")], NOON)

    written = ports.orders.judge([(line, MATCH, 1) for line in lines], NOON)

    assert written == {("C-1", "a"), ("C-1", "c")}


def test_a_line_waits_for_its_due_time_until_it_is_judged_or_overdue(ports: Any) -> None:
    lines = [order_line(bin_id=name, due=NOON) for name in "abcd"]
    ports.orders.put([*lines, order_line(bin_id="never"), order_line(bin_id="later", due=LATER)], NOON)
    assert waiting(ports, EARLIER) == []
    assert waiting(ports, NOON) == ["a", "b", "c", "d"]
    unsure = Finding(Verdict.UNCERTAIN, "Unsure.", 3)
    missing = Finding(Verdict.MISSING, "Due.", overdue=True)

    ports.orders.judge([(lines[0], MATCH, 1), (lines[1], unsure, 1), (lines[2], missing, 0)], NOON)
    ports.orders.judge([(lines[3], replace(unsure, overdue=True), 1)], NOON)

    assert waiting(ports, NOON) == ["b"]
    assert waiting(ports, LATER) == ["b", "later"]
    assert {line.bin_id: line.overdue for line in ports.orders.of_consignment("C-1")}["d"] is True


def test_an_amended_line_waits_again_and_a_repeated_import_changes_nothing(ports: Any) -> None:
    line = order_line(due=NOON)
    ports.orders.put([line], NOON)
    ports.orders.judge([(line, Finding(Verdict.MISSING, "Due.", overdue=True), 0)], NOON)

    ports.orders.put([replace(line, order_version="2")], NOON)
    assert waiting(ports, LATER) == []
    ports.orders.put([replace(line, order_version="3", due_at=LATER)], NOON)

    assert waiting(ports, LATER) == ["P-17-C"]
    assert ports.orders.read([line.key])[line.key].overdue is False


def test_due_lines_are_read_in_bounded_numbers(ports: Any) -> None:
    ports.orders.put([order_line(bin_id=f"bin-{number}", due=NOON) for number in range(200)], NOON)

    assert 8 <= len(waiting(ports, NOON, 16)) <= 16


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_report_is_in_the_jobs_bucket_under_orders(ports: Any, key: str) -> None:
    location = ports.reports.write(order_file(key), OrderFile((order_line(3),)), False, Progress("f", 1))

    bucket, _, path = location.removeprefix("s3://").partition("/")
    assert "jobs" in bucket
    assert path.startswith("orders/reports/")
