from __future__ import annotations

import pytest
from bintally.domain.objects import StoredObject, padded_sequencer
from hypothesis import given
from hypothesis import strategies as st

sequencers = st.text("0123456789ABCDEF", min_size=1, max_size=32)


@given(sequencers, sequencers)
def test_sequencers_compare_as_s3_says(one: str, other: str) -> None:
    """Right-pad the shorter with zeros, then compare as text: the same as comparing them as fractions."""
    as_fractions = int(one.ljust(32, "0"), 16), int(other.ljust(32, "0"), 16)

    assert (padded_sequencer(one) < padded_sequencer(other)) == (as_fractions[0] < as_fractions[1])


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("0055AED6DCD90281E5", "0055AED6DCD90281E6"),
        ("0055AED6DCD90281E5", "0055AED6DCD9028201"),
        ("0055AED6DCD902", "0055AED6DCD90281E5"),
        ("0055AED6DCD90281E5", "0055AED6DCD903"),
        ("009", "00A"),
        ("00a", "00B"),
        ("", "01"),
    ],
)
def test_a_later_sequencer_is_greater_also_when_it_is_shorter(older: str, newer: str) -> None:
    assert padded_sequencer(older) < padded_sequencer(newer)


@given(sequencers)
def test_trailing_zeros_and_capitals_make_no_difference(sequencer: str) -> None:
    assert padded_sequencer(sequencer) == padded_sequencer(f"{sequencer}00") == padded_sequencer(sequencer.lower())


def test_objects_sort_by_upload_time_then_by_sequencer() -> None:
    def put(at: str, sequencer: str) -> StoredObject:
        return StoredObject("orders", "any.csv", None, padded_sequencer(sequencer), at)

    in_order = [
        put("2026-05-04T08:00:00.000Z", "02"),
        put("2026-05-04T08:00:00.001Z", "01"),
        put("2026-05-04T08:00:00.001Z", "011"),
        put("2026-05-04T08:00:01.000Z", "00"),
    ]

    assert [each.order for each in in_order] == sorted(each.order for each in in_order)
