"""What the use cases may rely on: order lines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from bintally.domain.orders import OrderFile, Progress
from bintally.domain.verdicts import NOT_COUNTED, Finding, OrderLine, Verdict

from tests.unit.functions.adapters.contracts.world import (
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


def test_lines_are_found_by_key_by_consignment_and_by_bin(world: Any) -> None:
    lines = [
        order_line(1, bin_id="a"),
        order_line(2, bin_id="b", due=LATER),
        order_line(3, bin_id="a", consignment="C-2"),
    ]
    world.orders.put(lines, NOON)

    assert stored(world, ("C-1", "a"), ("C-1", "b"), ("C-2", "a")) == lines
    assert world.orders.of_consignment("C-1") == lines[:2]
    assert world.orders.of_consignment("C-9") == []
    assert world.orders.of_bins(["a"]) == {("C-1", "a"), ("C-2", "a")}
    assert world.orders.of_bins(["a", "b", "unknown"]) == {("C-1", "a"), ("C-2", "a"), ("C-1", "b")}
    assert world.orders.of_bins([]) == set()
    assert world.orders.read([]) == {}
    assert world.orders.read([("C-9", "a")]) == {}


@pytest.mark.parametrize("number", [0, 1, 101])
def test_as_many_lines_as_there_are_are_put(world: Any, number: int) -> None:
    lines = [order_line(1, bin_id=f"bin-{index:04}") for index in range(number)]

    world.orders.put(lines, NOON)

    assert world.orders.of_consignment("C-1") == lines


def test_a_newer_version_replaces_a_line_and_its_verdict(world: Any) -> None:
    world.orders.put([order_line(3)], NOON)
    world.orders.judge([(order_line(3), MATCH, 4)], NOON)

    world.orders.put([replace(order_line(5, due=LATER), order_version="2")], NOON)

    assert stored(world, ("C-1", "P-17-C")) == [
        OrderLine("C-1", "P-17-C", 5, LATER, "2", Verdict.PENDING, NOT_COUNTED, None, 0)
    ]


def test_a_newer_version_that_says_the_same_keeps_the_verdict(world: Any) -> None:
    world.orders.put([order_line(3)], NOON)
    world.orders.judge([(order_line(3), MATCH, 4)], NOON)

    world.orders.put([replace(order_line(3), order_version="2")], NOON)

    assert stored(world, ("C-1", "P-17-C")) == [
        OrderLine("C-1", "P-17-C", 3, None, "2", Verdict.MATCH, "As expected.", 3, 4)
    ]


@pytest.mark.parametrize("version", ["1", "2"])
def test_an_older_or_equal_version_changes_nothing(world: Any, version: str) -> None:
    world.orders.put([replace(order_line(3), order_version="2")], NOON)

    world.orders.put([replace(order_line(5), order_version=version)], NOON)

    assert [line.expected for line in stored(world, ("C-1", "P-17-C"))] == [3]


def test_a_date_that_is_taken_away_is_gone(world: Any) -> None:
    world.orders.put([order_line(3, due=LATER)], NOON)

    world.orders.put([replace(order_line(3), order_version="2")], NOON)

    assert [line.due_at for line in stored(world, ("C-1", "P-17-C"))] == [None]


def test_a_verdict_is_written_with_what_it_rests_on(world: Any) -> None:
    world.orders.put([order_line(3)], NOON)

    assert world.orders.judge([(order_line(3), MATCH, 4)], NOON) == {("C-1", "P-17-C")}

    (line,) = stored(world, ("C-1", "P-17-C"))
    assert (line.verdict, line.reason, line.counted, line.bin_revision) == (Verdict.MATCH, "As expected.", 3, 4)
    assert world.orders.judge([], NOON) == set()


@pytest.mark.parametrize("before", [order_line(3), order_line(3, due=EARLIER)])
@pytest.mark.parametrize("after", [order_line(5), order_line(3, due=LATER), order_line(5, due=EARLIER)])
def test_a_verdict_on_terms_that_are_gone_is_refused(world: Any, before: OrderLine, after: OrderLine) -> None:
    world.orders.put([before], NOON)
    world.orders.put([replace(after, order_version="2")], NOON)

    assert world.orders.judge([(before, MATCH, 4)], NOON) == set()
    assert [line.verdict for line in stored(world, ("C-1", "P-17-C"))] == [Verdict.PENDING]


@pytest.mark.parametrize("due", [None, LATER])
def test_a_verdict_stands_also_where_the_same_terms_were_imported_meanwhile(world: Any, due: str | None) -> None:
    line = order_line(3, due=due)
    world.orders.put([line], NOON)
    world.orders.put([replace(line, order_version="2")], NOON)

    assert world.orders.judge([(line, MATCH, 4)], NOON) == {("C-1", "P-17-C")}


def test_a_verdict_on_an_older_count_is_refused(world: Any) -> None:
    short = Finding(Verdict.SHORT, "Fewer.", 2)
    world.orders.put([order_line(3)], NOON)
    world.orders.judge([(order_line(3), MATCH, 4)], NOON)

    assert world.orders.judge([(order_line(3), short, 3)], NOON) == set()
    assert world.orders.judge([(order_line(3), short, 4)], NOON) == {("C-1", "P-17-C")}
    assert [line.verdict for line in stored(world, ("C-1", "P-17-C"))] == [Verdict.SHORT]


def test_a_verdict_on_a_line_that_is_not_there_writes_none(world: Any) -> None:
    assert world.orders.judge([(order_line(3), MATCH, 1)], NOON) == set()
    assert world.orders.of_consignment("C-1") == []


def test_a_verdict_without_a_count_forgets_the_one_before(world: Any) -> None:
    world.orders.put([order_line(3)], NOON)
    world.orders.judge([(order_line(3), MATCH, 4)], NOON)

    world.orders.judge([(order_line(3), Finding(Verdict.UNREADABLE, "Damaged."), 5)], NOON)

    (line,) = stored(world, ("C-1", "P-17-C"))
    assert (line.verdict, line.counted, line.bin_revision) == (Verdict.UNREADABLE, None, 5)


def test_a_line_over_range_is_counted_at_least_and_gives_way_to_a_count(world: Any) -> None:
    over = Finding(Verdict.OVER, "More.", None, 6)
    world.orders.put([order_line(3)], NOON)

    world.orders.judge([(order_line(3), over, 4)], NOON)
    (line,) = stored(world, ("C-1", "P-17-C"))
    assert (line.counted, line.counted_at_least) == (None, 6)
    world.orders.judge([(order_line(3), MATCH, 5)], NOON)
    (line,) = stored(world, ("C-1", "P-17-C"))
    assert (line.counted, line.counted_at_least) == (3, None)
    world.orders.judge([(order_line(3), over, 6)], NOON)
    world.orders.put([replace(order_line(5), order_version="2")], NOON)

    (line,) = stored(world, ("C-1", "P-17-C"))
    assert (line.counted, line.counted_at_least) == (None, None)


def test_of_several_verdicts_only_those_refused_are_left_out(world: Any) -> None:
    lines = [order_line(3, bin_id=bin_id) for bin_id in "abc"]
    world.orders.put(lines, NOON)
    world.orders.put([replace(lines[1], expected=4, order_version="2")], NOON)

    written = world.orders.judge([(line, MATCH, 1) for line in lines], NOON)

    assert written == {("C-1", "a"), ("C-1", "c")}


def test_a_line_waits_for_its_due_time_until_it_is_settled_or_overdue(world: Any) -> None:
    lines = [order_line(bin_id=name, due=NOON) for name in "abcd"]
    world.orders.put([*lines, order_line(bin_id="never"), order_line(bin_id="later", due=LATER)], NOON)
    assert waiting(world, EARLIER) == []
    assert waiting(world, NOON) == ["a", "b", "c", "d"]
    unsure = Finding(Verdict.UNCERTAIN, "Unsure.", 3)
    missing = Finding(Verdict.MISSING, "Due.", overdue=True)

    world.orders.judge([(lines[0], MATCH, 1), (lines[1], unsure, 1), (lines[2], missing, 0)], NOON)
    world.orders.judge([(lines[3], replace(unsure, overdue=True), 1)], NOON)

    assert waiting(world, NOON) == ["b"]
    assert waiting(world, LATER) == ["b", "later"]
    assert {line.bin_id: line.overdue for line in world.orders.of_consignment("C-1")}["d"] is True


def test_an_amended_line_waits_again_and_one_imported_again_stays_as_it_is(world: Any) -> None:
    line = order_line(due=NOON)
    world.orders.put([line], NOON)
    world.orders.judge([(line, Finding(Verdict.MISSING, "Due.", overdue=True), 0)], NOON)

    world.orders.put([replace(line, order_version="2")], NOON)
    assert waiting(world, LATER) == []
    world.orders.put([replace(line, order_version="3", due_at=LATER)], NOON)

    assert waiting(world, LATER) == ["P-17-C"]
    assert world.orders.read([line.key])[line.key].overdue is False


def test_a_look_at_the_clock_is_bounded(world: Any) -> None:
    world.orders.put([order_line(bin_id=f"bin-{number}", due=NOON) for number in range(200)], NOON)

    assert 8 <= len(waiting(world, NOON, 16)) <= 16


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_report_lies_in_the_jobs_bucket_under_orders(world: Any, key: str) -> None:
    location = world.reports.write(order_file(key), OrderFile((order_line(3),)), False, Progress("f", 1))

    bucket, _, path = location.removeprefix("s3://").partition("/")
    assert "jobs" in bucket
    assert path.startswith("orders/reports/")
