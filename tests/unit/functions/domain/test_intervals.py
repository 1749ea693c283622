from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from bintally.domain.intervals import Interval, interval_of, number_text
from hypothesis import given
from hypothesis import strategies as st

intervals = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(
    lambda ends: Interval(min(ends), None if max(ends) == 6 else max(ends), 0.9)
)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (3, 3, "3"),
        (0, 0, "0"),
        (2, 3, "2 or 3"),
        (0, 1, "0 or 1"),
        (2, 4, "2 to 4"),
        (1, 5, "1 to 5"),
        (5, None, "5 or more"),
        (0, None, "0 or more"),
        (6, None, "6 or more"),
    ],
)
def test_an_interval_in_words(low: int, high: int | None, words: str) -> None:
    assert Interval(low, high, 0.9).words() == words


@pytest.mark.parametrize(
    ("count", "at_least", "text"), [(0, None, "0"), (3, None, "3"), (None, 6, "6+"), (None, None, "-")]
)
def test_a_number_for_people(count: int | None, at_least: int | None, text: str) -> None:
    assert number_text(count, at_least) == text


@given(intervals, st.integers(0, 1000))
def test_a_number_is_below_in_or_above_an_interval(interval: Interval, number: int) -> None:
    assert interval.holds(number) + interval.is_below(number) + interval.is_above(number) == 1
    assert interval.holds(number) is (interval.low <= number and (interval.high is None or number <= interval.high))


@given(intervals)
def test_facts_are_read_back(interval: Interval) -> None:
    assert interval_of(interval.facts()) == interval


def test_facts_are_read_back_from_a_table() -> None:
    assert interval_of({"low": Decimal(2), "high": Decimal(3), "coverage": Decimal("0.9")}) == Interval(2, 3, 0.9)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"low": 1, "high": 2},
        {"low": 2, "high": 1, "coverage": 0.9},
        {"low": -1, "high": 1, "coverage": 0.9},
        {"low": 1, "high": 2, "coverage": 90},
        {"low": 1, "high": 2, "coverage": float("nan")},
        {"low": 1.5, "high": 2, "coverage": 0.9},
        {"low": None, "high": 2, "coverage": 0.9},
        {"low": 1, "coverage": 0.9},
    ],
)
def test_an_invalid_interval_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        interval_of(facts)
