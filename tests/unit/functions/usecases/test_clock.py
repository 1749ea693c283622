"""Lines whose due time comes while nothing else happens: the clock judges them, each once."""

from __future__ import annotations

from datetime import UTC

import pytest
from bintally.domain.changes import Changes
from bintally.domain.due import site_zone
from bintally.domain.verdicts import Verdict
from bintally.usecases.reconcile import reconcile

from tests.fakes import World
from tests.unit.functions.examples import NOW, THRESHOLDS, counted, order_file, photograph, unreadable
from tests.unit.functions.usecases.runs import after_each_crash, clock_looked, imported, later, reconciled

HEADER = "consignment_id,bin_id,expected,due_at"
LINE = ("C-1", "a")
FLAT = {number: 0.2 for number in range(1, 6)}
SURE = {number: {each: 0.96 if each == number else 0.01 for each in range(1, 6)} for number in range(1, 6)}


def ordered(*rows: str, world: World | None = None, at: int = 0) -> World:
    """Imported and judged."""
    world = world or World()
    imported(world, "\n".join([HEADER, *rows]), order_file(f"{at}.csv", at=f"2026-05-04T08:00:{at:02}.000Z"))
    reconciled(world, Changes(lines=list(world.orders.items)))
    return world


def count_in(world: World, number: int, shares: dict[int, float] | None = None, at: int = 0) -> None:
    image = photograph(f"a/{at}.jpg", at=f"2026-05-04T08:00:{at:02}.000Z")
    world.bins.record([counted(image, number, shares or SURE[number])], "2026-05-04T12:00:00.000Z")
    reconciled(world, Changes(bins=["a"]))


def stands(world: World) -> tuple[Verdict, bool]:
    line = world.orders.items[LINE]
    return line.verdict, line.overdue


def test_a_line_whose_photograph_never_comes_is_missing_when_it_is_due() -> None:
    world = ordered("C-1,a,3,2026-05-04T12:05:00Z")

    assert clock_looked(world, later(4)).lines == 0
    assert stands(world) == (Verdict.PENDING, False)
    assert clock_looked(world, later(5)).verdicts == {Verdict.MISSING: 1}

    assert stands(world) == (Verdict.MISSING, True)
    assert world.orders.items[LINE].reason == "Due by 2026-05-04 12:05 (UTC) and not counted."
    assert [e["verdict"] for e in world.events.of_kind("ConsignmentReconciled")] == ["MISSING"]
    assert clock_looked(world, later(6)).lines == 0


def test_a_photograph_that_comes_late_still_gives_a_verdict() -> None:
    world = ordered("C-1,a,3,2026-05-04T12:05:00Z")
    clock_looked(world, later(5))

    count_in(world, 3)

    assert stands(world) == (Verdict.MATCH, False)


@pytest.mark.parametrize("late", [False, True])
def test_what_is_uncertain_and_due_says_so(late: bool) -> None:
    world = ordered("C-1,a,3,2026-05-04T12:05:00Z")
    count_in(world, 3, FLAT)
    if late:
        reconciled(world, Changes(bins=["a"]), later(5))

    clock_looked(world, later(5))

    assert stands(world) == (Verdict.UNCERTAIN, True)
    assert world.orders.items[LINE].reason.endswith(" more. Overdue: due by 2026-05-04 12:05 (UTC).")
    assert clock_looked(world, later(6)).lines == 0


def test_what_is_unreadable_and_due_says_so() -> None:
    world = ordered("C-1,a,3,2026-05-04T12:05:00Z")
    world.bins.record([unreadable(photograph("a/0.jpg"))], "2026-05-04T12:00:00.000Z")
    reconciled(world, Changes(bins=["a"]))

    clock_looked(world, later(5))

    assert stands(world) == (Verdict.UNREADABLE, True)


@pytest.mark.parametrize(("number", "verdict"), [(3, Verdict.MATCH), (1, Verdict.SHORT), (5, Verdict.OVER)])
def test_what_is_settled_is_not_looked_at(number: int, verdict: Verdict) -> None:
    world = ordered("C-1,a,3,2026-05-04T12:05:00Z")
    count_in(world, number)

    assert clock_looked(world, later(60)).lines == 0
    assert stands(world) == (verdict, False)


def test_a_line_without_a_due_time_waits_for_ever() -> None:
    world = ordered("C-1,a,3,")

    assert clock_looked(world, later(1e6)).lines == 0
    assert stands(world) == (Verdict.PENDING, False)


def test_an_order_that_is_put_off_waits_again() -> None:
    world = ordered("C-1,a,3,2026-05-04T12:05:00Z")
    clock_looked(world, later(5))

    ordered("C-1,a,3,2026-05-04T13:00:00Z", world=world, at=1)

    assert stands(world) == (Verdict.PENDING, False)
    assert clock_looked(world, later(59)).lines == 0
    assert clock_looked(world, later(60)).verdicts == {Verdict.MISSING: 1}


def test_a_look_is_bounded_and_the_next_takes_the_rest() -> None:
    world = ordered(*(f"C-1,bin-{number},3,2026-05-04" for number in range(2_500)))

    assert [clock_looked(world, later(60 * 24)).lines for _ in range(3)] == [2_000, 500, 0]


def test_a_date_is_the_end_of_its_day_at_the_site_and_the_reason_says_which() -> None:
    world, berlin = World(), site_zone("Europe/Berlin")
    imported(world, f"{HEADER}\nC-1,a,3,2026-05-04", zone=berlin)

    for moment in ("2026-05-04T21:59:59+00:00", "2026-05-04T22:00:00+00:00"):
        now = NOW.fromisoformat(moment).astimezone(UTC)
        reconcile(world, Changes(overdue=True), thresholds=THRESHOLDS, now=now, zone=berlin)
        assert (world.orders.items[LINE].verdict is Verdict.MISSING) == (now.hour == 22)

    assert world.orders.items[LINE].reason == "Due by the end of 2026-05-04 (Europe/Berlin) and not counted."


def test_a_crash_anywhere_leaves_nothing_that_a_second_look_does_not_mend() -> None:
    rows = [f"C-{number % 2},bin-{number},3,2026-05-04T12:05:00Z" for number in range(5)]

    for world in after_each_crash(lambda: ordered(*rows), lambda world: clock_looked(world, later(5))):
        assert {line.verdict for line in world.orders.items.values()} == {Verdict.MISSING}
        assert world.orders.waiting == set()
