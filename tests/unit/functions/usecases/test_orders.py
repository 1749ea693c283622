from __future__ import annotations

import itertools

import pytest
from bintally.domain.verdicts import Finding, Verdict

from tests.fakes import World
from tests.unit.functions.examples import order_file
from tests.unit.functions.usecases.runs import after_each_crash, imported, with_each_interruption

HEADER = "consignment_id,bin_id,expected,due_at"
FIRST = f"{HEADER}\nC-1,a,3,\nC-1,b,2,\nC-2,a,1,\n"
AMENDED = f"{HEADER}\nC-1,a,5,\n"
EARLY, LATE = order_file(at="2026-05-04T08:00:00.000Z"), order_file(at="2026-05-04T09:00:00.000Z")


def expected_in(world: World) -> dict[tuple[str, str], int]:
    return {key: line.expected for key, line in world.orders.items.items()}


def judged(world: World) -> None:
    """Every line has a verdict."""
    findings = [
        (line, Finding(Verdict.MATCH, "As expected.", line.expected), 1) for line in world.orders.items.values()
    ]
    world.orders.judge(findings, "")


def test_a_file_becomes_lines_and_a_report() -> None:
    world = World()

    done = imported(world, FIRST, EARLY)

    assert expected_in(world) == {("C-1", "a"): 3, ("C-1", "b"): 2, ("C-2", "a"): 1}
    assert {line.order_version for line in world.orders.items.values()} == {EARLY.order}
    assert (done.accepted, done.refused, done.report) == (3, 0, "s3://jobs/orders/reports/orders.csv")
    assert world.reports.written == {"orders.csv": (3, ())}


def test_bad_rows_are_reported_and_the_good_stand() -> None:
    world = World()

    done = imported(world, f"{HEADER}\nC-1,a,3,\nC-1,b,many,\nC-1,c,1,\n")

    assert (done.accepted, done.refused) == (2, 1)
    accepted, refused = world.reports.written["orders.csv"]
    assert (accepted, [row.line for row in refused]) == (2, [3])


@pytest.mark.parametrize("text", ["", "no order file", "\x00\x00", "[", HEADER])
def test_a_file_without_lines_still_has_a_report(text: str) -> None:
    world = World()

    assert imported(world, text).accepted == 0
    assert world.orders.items == {}
    assert list(world.reports.written) == ["orders.csv"]


def test_the_same_file_three_times_is_one_set_of_lines() -> None:
    world = World()
    imported(world, FIRST, EARLY)
    judged(world)
    once = world.state()

    for _ in range(2):
        imported(world, FIRST, EARLY)

    assert world.state() == once


def test_the_same_orders_put_again_keep_their_verdicts() -> None:
    world = World()
    imported(world, FIRST, EARLY)
    judged(world)

    imported(world, FIRST, LATE)

    lines = world.orders.items.values()
    assert {line.verdict for line in lines} == {Verdict.MATCH}
    assert {line.order_version for line in lines} == {LATE.order}


def test_an_amended_order_wins_and_is_judged_anew() -> None:
    world = World()
    imported(world, FIRST, EARLY)
    judged(world)

    imported(world, AMENDED, LATE)

    amended = world.orders.items["C-1", "a"]
    assert (amended.expected, amended.verdict, amended.counted, amended.bin_revision) == (5, Verdict.PENDING, None, 0)
    assert world.orders.items["C-1", "b"].verdict is Verdict.MATCH


def test_another_due_date_is_an_amendment() -> None:
    world = World()
    imported(world, FIRST, EARLY)
    judged(world)

    imported(world, f"{HEADER}\nC-1,a,3,2026-06-01\n", LATE)

    line = world.orders.items["C-1", "a"]
    assert (line.verdict, line.due_at) == (Verdict.PENDING, "2026-06-01T23:59:59.999Z")


def test_an_older_file_that_comes_late_does_not_win() -> None:
    world = World()
    imported(world, AMENDED, LATE)

    imported(world, FIRST, EARLY)

    assert expected_in(world) == {("C-1", "a"): 5, ("C-1", "b"): 2, ("C-2", "a"): 1}


def test_files_in_any_order_end_with_the_newest_of_each_line() -> None:
    files = [
        (f"{HEADER}\nC-1,a,1,\nC-1,b,1,\n", order_file("one.csv", at="2026-05-04T08:00:00.000Z")),
        (f"{HEADER}\nC-1,a,2,\n", order_file("two.csv", at="2026-05-04T08:00:00.001Z", sequencer="00")),
        (f"{HEADER}\nC-1,b,3,\n", order_file("two.csv", at="2026-05-04T08:00:00.001Z", sequencer="001")),
    ]
    for order in itertools.permutations(files):
        world = World()
        for text, source in order:
            imported(world, text, source)
        assert expected_in(world) == {("C-1", "a"): 2, ("C-1", "b"): 3}


@pytest.mark.parametrize("together", [100, 1])
def test_a_crash_anywhere_is_mended_by_a_second_run(together: int) -> None:
    calm = World()
    imported(calm, FIRST, EARLY)

    for world in after_each_crash(lambda: World(together), lambda world: imported(world, FIRST, EARLY)):
        assert world.state() == calm.state()
        assert world.reports.written == calm.reports.written


def test_two_files_at_once_end_with_the_newer() -> None:
    for run, other in itertools.permutations([(FIRST, EARLY), (AMENDED, LATE)]):
        worlds = with_each_interruption(
            lambda: World(together=1),
            lambda world, run=run: imported(world, *run),
            lambda world, other=other: imported(world, *other),
        )
        for world in worlds:
            assert expected_in(world) == {("C-1", "a"): 5, ("C-1", "b"): 2, ("C-2", "a"): 1}
