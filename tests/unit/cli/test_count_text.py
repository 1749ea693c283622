from __future__ import annotations

import pytest
from bincli.count_text import confidence_text, count_of, count_probabilities, interval_text_of, minute_text


@pytest.mark.parametrize(
    ("record", "text"), [({"count": 0}, "0"), ({"count": 3}, "3"), ({"count": None, "at_least": 6}, "6+"), ({}, "-")]
)
def test_a_count_is_a_number_at_least_a_number_or_none(record: dict[str, object], text: str) -> None:
    assert count_of(record) == text


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (None, ""),
        ({"low": 1, "high": 1, "coverage": 0.9}, "1 item, 90%"),
        ({"low": 1, "high": 2, "coverage": 0.9}, "1 or 2 items, 90%"),
        ({"low": 6, "high": None, "coverage": 0.9}, "6 or more items, 90%"),
    ],
)
def test_an_interval_is_in_words(interval: dict[str, object] | None, text: str) -> None:
    assert interval_text_of({"interval": interval}) == text


def test_probabilities_include_the_counts_out_of_range_and_sum_to_one() -> None:
    record = {"probabilities": {"1": 0.25, "2": 0.75}, "empty": 0.1, "over_range": 0.5}

    found = count_probabilities(record)

    assert found == pytest.approx({0: 0.1, 1: 0.1, 2: 0.3, 3: 0.5})
    assert [*found] == [0, 1, 2, 3]


def test_probabilities_of_a_model_without_counts_out_of_range_stay_as_they_are() -> None:
    assert count_probabilities({"probabilities": {"2": 0.75, "1": 0.25}}) == {1: 0.25, 2: 0.75}
    assert count_probabilities({}) == {}


def test_an_unknown_value_is_a_dash() -> None:
    assert (confidence_text(None), confidence_text(0.625)) == ("-", "62%")
    assert (minute_text(None), minute_text("2026-05-04T16:00:59.000Z")) == ("-", "2026-05-04 16:00")
