from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from bintally.domain.intervals import Interval, interval_of
from hypothesis import given
from hypothesis import strategies as st

MOST = 5
intervals = st.tuples(st.integers(0, MOST + 1), st.integers(0, MOST + 1)).map(
    lambda ends: Interval(min(ends), max(ends), 0.9)
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
        (5, 6, "5 or more"),
        (0, 6, "0 or more"),
        (6, 6, "more than 5"),
    ],
)
def test_an_interval_in_words(low: int, high: int, words: str) -> None:
    assert Interval(low, high, 0.9).words(MOST) == words


@given(intervals, st.integers(0, 1000))
def test_above_what_a_model_counts_every_number_is_the_same(interval: Interval, number: int) -> None:
    assert interval.holds(number, MOST) is (interval.low <= number <= interval.high) or number > MOST
    assert interval.holds(MOST + 1 + number, MOST) is (interval.high == MOST + 1)


@given(intervals)
def test_facts_are_read_back(interval: Interval) -> None:
    assert interval_of(interval.facts()) == interval


def test_facts_come_out_of_a_table_too() -> None:
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
    ],
)
def test_what_is_no_interval_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        interval_of(facts)
