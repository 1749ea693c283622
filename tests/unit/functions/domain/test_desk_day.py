"""The figures of a day at the desk, and what it gives to other systems."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from bintally.domain.adjustments import Adjustment, adjustments
from bintally.domain.decisions import DecidedLine, Decision
from bintally.domain.desk_day import Person, bounds_of, figures
from bintally.domain.spreadsheets import csv_text
from bintally.domain.verdicts import Verdict

from tests.unit.functions.examples import NOON

THREE = DecidedLine("C-1", 3, "1", Verdict.UNCERTAIN)


def look(number: int, count: int | None = 3, who: str = "ann", image: str = "", **more: Any) -> Decision:
    at = f"2026-05-04T12:00:{number:02}.000Z"
    given = {"lines": (THREE,), "bin_revision": number, "seconds": float(number), **more}
    return Decision("P-17-C", str(number), image or f"i-{number}", who, at, count, **given)


def test_a_day_without_looks() -> None:
    found = figures([])

    assert (found.done, found.seconds_median, found.people, found.pairs) == (0, None, (), 0)


def test_a_day_is_summed_up() -> None:
    found = figures([look(1), look(2, 4), look(3, None), look(6, 9, undone_by="ann"), look(8, who="bob", seconds=None)])

    assert (found.done, found.undone, found.cannot_tell, found.differ_from_order) == (5, 1, 1, 1)
    assert found.seconds_median == 2.5
    assert found.people == (Person("ann", 4, 2.5), Person("bob", 1, None))


def test_half_of_the_looks_is_compared_with_all() -> None:
    found = figures([look(4), look(1, 4), look(2, 5), look(3), look(5, 9), look(6, 9, undone_by="ann")])

    assert (found.early_looks, found.early_differences, found.differ_from_order) == (3, 2, 3)


def test_people_agree_if_they_said_the_same_about_a_photo() -> None:
    same = [look(1, image="a"), look(2, 3, "bob", "a"), look(3, 4, "cid", "a")]
    changed_mind = [look(4, 2, image="b"), look(5, 3, image="b"), look(6, 3, "bob", "b")]
    undone = [look(7, image="c"), look(8, 4, "bob", "c", undone_by="bob")]

    found = figures([*same, *changed_mind, *undone])

    assert (found.pairs, found.agree) == (4, 2)


@pytest.mark.parametrize(
    ("zone", "day", "bounds"),
    [
        ("UTC", "2026-05-04", ("2026-05-04T00:00:00.000Z", "2026-05-05T00:00:00.000Z")),
        ("Europe/Berlin", "2026-03-29", ("2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z")),
        ("America/New_York", "2026-11-01", ("2026-11-01T04:00:00.000Z", "2026-11-02T05:00:00.000Z")),
    ],
)
def test_a_day_begins_at_the_sites_midnight(zone: str, day: str, bounds: tuple[str, str]) -> None:
    assert bounds_of(date.fromisoformat(day), ZoneInfo(zone)) == bounds


def test_adjustments_are_differences_of_what_stands() -> None:
    first, last = look(1, 2, image="a"), look(2, 5, "bob", "a", reason_code="damaged")
    others = [look(3), look(4, None), look(5, 9, undone_by="ann"), look(6, 1, image="z", lines=())]

    (found,) = adjustments([first, last, *others])

    assert found == Adjustment("P-17-C", "C-1", 5, 3, 2, "damaged", "bob", last.decided_at)
    both = replace(last, lines=(THREE, replace(THREE, consignment_id="C-2", expected=5)))
    assert [each.consignment_id for each in adjustments([both])] == ["C-1"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1"])
def test_no_text_is_a_formula(text: str) -> None:
    (row,) = csv_text(["a"], [[text]]).splitlines()[1:]

    assert row.strip('"').startswith(("'", "\\u0009", "\\u000d"))


def test_numbers_and_quotes_stay_as_they_are() -> None:
    text = csv_text(["a", "b"], [[-1, 'x"y,\u202ez\n'], [None, NOON]])

    assert text.split("\r\n") == ["a,b", '-1,"x""y,\\u202ez\\u000a"', f",{NOON}", ""]
