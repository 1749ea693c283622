"""Lines that become due while nothing else changes: the schedule judges them, each once."""

from __future__ import annotations

from datetime import UTC

import pytest
from bintally.domain.changes import Changes
from bintally.domain.due import site_zone
from bintally.domain.verdicts import Verdict
from bintally.usecases.reconcile import reconcile

from tests.fakes import Fakes
from tests.unit.functions.examples import NOW, RULES, counted, make_image, order_file, unreadable
from tests.unit.functions.usecases.runs import after_each_crash, clock_ran, imported, later, reconciled

HEADER = "consignment_id,bin_id,expected,due_at"
LINE = ("C-1", "a")
FLAT = {number: 0.2 for number in range(1, 6)}
SURE = {number: {each: 0.96 if each == number else 0.01 for each in range(1, 6)} for number in range(1, 6)}


def ordered(*rows: str, fakes: Fakes | None = None, at: int = 0) -> Fakes:
    """Imported and judged."""
    fakes = fakes or Fakes()
    imported(fakes, "\n".join([HEADER, *rows]), order_file(f"{at}.csv", at=f"2026-05-04T08:00:{at:02}.000Z"))
    reconciled(fakes, Changes(lines=list(fakes.orders.items)))
    return fakes


def count_in(fakes: Fakes, number: int, shares: dict[int, float] | None = None, at: int = 0) -> None:
    image = make_image(f"a/{at}.jpg", at=f"2026-05-04T08:00:{at:02}.000Z")
    fakes.bins.record([counted(image, number, shares or SURE[number])], "2026-05-04T12:00:00.000Z")
    reconciled(fakes, Changes(bins=["a"]))


def stands(fakes: Fakes) -> tuple[Verdict, bool]:
    line = fakes.orders.items[LINE]
    return line.verdict, line.overdue


def test_a_line_whose_image_never_comes_is_missing_when_it_is_due() -> None:
    fakes = ordered("C-1,a,3,2026-05-04T12:05:00Z")

    assert clock_ran(fakes, later(4)).lines == 0
    assert stands(fakes) == (Verdict.PENDING, False)
    assert clock_ran(fakes, later(5)).verdicts == {Verdict.MISSING: 1}

    assert stands(fakes) == (Verdict.MISSING, True)
    assert fakes.orders.items[LINE].reason == "Due by 2026-05-04 12:05 (UTC) and not counted."
    assert [e["verdict"] for e in fakes.events.of_kind("ConsignmentReconciled")] == ["MISSING"]
    assert clock_ran(fakes, later(6)).lines == 0


def test_an_image_that_comes_late_still_gives_a_verdict() -> None:
    fakes = ordered("C-1,a,3,2026-05-04T12:05:00Z")
    clock_ran(fakes, later(5))

    count_in(fakes, 3)

    assert stands(fakes) == (Verdict.MATCH, False)


@pytest.mark.parametrize("late", [False, True])
def test_an_uncertain_overdue_line_has_that_reason(late: bool) -> None:
    fakes = ordered("C-1,a,3,2026-05-04T12:05:00Z")
    count_in(fakes, 3, FLAT)
    if late:
        reconciled(fakes, Changes(bins=["a"]), later(5))

    clock_ran(fakes, later(5))

    assert stands(fakes) == (Verdict.UNCERTAIN, True)
    assert fakes.orders.items[LINE].reason.endswith(" more. Overdue: due by 2026-05-04 12:05 (UTC).")
    assert clock_ran(fakes, later(6)).lines == 0


def test_an_unreadable_overdue_line_has_that_reason() -> None:
    fakes = ordered("C-1,a,3,2026-05-04T12:05:00Z")
    fakes.bins.record([unreadable(make_image("a/0.jpg"))], "2026-05-04T12:00:00.000Z")
    reconciled(fakes, Changes(bins=["a"]))

    clock_ran(fakes, later(5))

    assert stands(fakes) == (Verdict.UNREADABLE, True)


@pytest.mark.parametrize(("number", "verdict"), [(3, Verdict.MATCH), (1, Verdict.SHORT), (5, Verdict.OVER)])
def test_a_judged_line_is_not_read_again(number: int, verdict: Verdict) -> None:
    fakes = ordered("C-1,a,3,2026-05-04T12:05:00Z")
    count_in(fakes, number)

    assert clock_ran(fakes, later(60)).lines == 0
    assert stands(fakes) == (verdict, False)


def test_a_line_without_a_due_time_waits_for_ever() -> None:
    fakes = ordered("C-1,a,3,")

    assert clock_ran(fakes, later(1e6)).lines == 0
    assert stands(fakes) == (Verdict.PENDING, False)


def test_a_postponed_order_waits_again() -> None:
    fakes = ordered("C-1,a,3,2026-05-04T12:05:00Z")
    clock_ran(fakes, later(5))

    ordered("C-1,a,3,2026-05-04T13:00:00Z", fakes=fakes, at=1)

    assert stands(fakes) == (Verdict.PENDING, False)
    assert clock_ran(fakes, later(59)).lines == 0
    assert clock_ran(fakes, later(60)).verdicts == {Verdict.MISSING: 1}


def test_a_run_is_bounded_and_the_next_continues() -> None:
    fakes = ordered(*(f"C-1,bin-{number},3,2026-05-04" for number in range(2_500)))

    assert [clock_ran(fakes, later(60 * 24)).lines for _ in range(3)] == [2_000, 500, 0]


def test_a_date_means_the_end_of_its_day_at_the_site() -> None:
    fakes, berlin = Fakes(), site_zone("Europe/Berlin")
    imported(fakes, f"{HEADER}\nC-1,a,3,2026-05-04", zone=berlin)

    for moment in ("2026-05-04T21:59:59+00:00", "2026-05-04T22:00:00+00:00"):
        now = NOW.fromisoformat(moment).astimezone(UTC)
        reconcile(fakes, Changes(overdue=True), rules=RULES, now=now, zone=berlin)
        assert (fakes.orders.items[LINE].verdict is Verdict.MISSING) == (now.hour == 22)

    assert fakes.orders.items[LINE].reason == "Due by the end of 2026-05-04 (Europe/Berlin) and not counted."


def test_a_second_run_completes_the_work_of_a_crashed_one() -> None:
    rows = [f"C-{number % 2},bin-{number},3,2026-05-04T12:05:00Z" for number in range(5)]

    for fakes in after_each_crash(lambda: ordered(*rows), lambda fakes: clock_ran(fakes, later(5))):
        assert {line.verdict for line in fakes.orders.items.values()} == {Verdict.MISSING}
        assert fakes.orders.waiting == set()
