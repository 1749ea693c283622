from __future__ import annotations

import itertools

import pytest
from bintally.domain.verdicts import (
    VARIANCES,
    Finding,
    Thresholds,
    Verdict,
    consignment_verdict,
    line_verdict,
)
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.unit.functions.examples import LATER, NOON, SURE_OF_3, THRESHOLDS, counted, order_line, unreadable

Shares = dict[int, float]


def verdict_of(expected: int, shares: Shares, thresholds: Thresholds = THRESHOLDS) -> Finding:
    count = counted(count=max(shares, key=lambda number: shares[number]), probabilities=shares)
    return line_verdict(order_line(expected), count, now=NOON, thresholds=thresholds)


@st.composite
def shares(draw: st.DrawFn) -> Shares:
    """Probabilities of 1 to 5 items in hundredths, so that sums are exact and ties happen."""
    cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=4, max_size=4)))
    parts = [end - start for start, end in itertools.pairwise([0, *cuts, 100])]
    return {number: part / 100 for number, part in enumerate(parts, 1)}


thresholds = st.builds(
    Thresholds,
    match=st.integers(50, 100).map(lambda hundredths: hundredths / 100),
    variance=st.integers(50, 100).map(lambda hundredths: hundredths / 100),
)
TIE = {1: 0.0, 2: 0.5, 3: 0.5, 4: 0.0, 5: 0.0}
EVEN = Thresholds(0.5, 0.5)


@pytest.mark.parametrize(
    ("expected", "probabilities", "verdict"),
    [
        (3, SURE_OF_3, Verdict.MATCH),
        (5, SURE_OF_3, Verdict.SHORT),
        (4, SURE_OF_3, Verdict.SHORT),
        (1, SURE_OF_3, Verdict.OVER),
        (3, {1: 0.0, 2: 0.0, 3: 0.6, 4: 0.4, 5: 0.0}, Verdict.MATCH),
        (3, {1: 0.0, 2: 0.0, 3: 0.59, 4: 0.41, 5: 0.0}, Verdict.UNCERTAIN),
        (4, {1: 0.0, 2: 0.2, 3: 0.6, 4: 0.2, 5: 0.0}, Verdict.SHORT),
        (4, {1: 0.0, 2: 0.19, 3: 0.6, 4: 0.21, 5: 0.0}, Verdict.UNCERTAIN),
        (3, {1: 0.2, 2: 0.2, 3: 0.2, 4: 0.2, 5: 0.2}, Verdict.UNCERTAIN),
    ],
)
def test_verdicts_at_the_thresholds(expected: int, probabilities: Shares, verdict: Verdict) -> None:
    assert verdict_of(expected, probabilities).verdict is verdict


@given(st.integers(1, 5), shares(), thresholds)
def test_a_match_is_as_probable_as_the_threshold_says(expected: int, given_: Shares, limits: Thresholds) -> None:
    finding = verdict_of(expected, given_, limits)

    assert finding.verdict is not Verdict.MATCH or given_[expected] >= limits.match


@example(3, TIE, EVEN)
@given(st.integers(1, 5), shares(), thresholds)
def test_a_match_was_counted_as_expected(expected: int, given_: Shares, limits: Thresholds) -> None:
    finding = verdict_of(expected, given_, limits)

    assert finding.verdict is not Verdict.MATCH or finding.counted == expected


@given(st.integers(1, 5), shares(), thresholds)
def test_a_variance_is_never_hidden(expected: int, given_: Shares, limits: Thresholds) -> None:
    fewer = sum(share for number, share in given_.items() if number < expected)
    more = sum(share for number, share in given_.items() if number > expected)
    assume(max(fewer, more) >= limits.variance + 1e-9)

    assert verdict_of(expected, given_, limits).verdict in VARIANCES


@pytest.mark.parametrize(("expected", "verdict"), [(3, Verdict.SHORT), (2, Verdict.OVER)])
def test_a_variance_that_is_as_probable_as_the_match_is_not_hidden_by_it(expected: int, verdict: Verdict) -> None:
    assert verdict_of(expected, TIE, EVEN).verdict is verdict


@given(st.integers(1, 5), shares(), thresholds)
def test_a_variance_says_in_which_direction(expected: int, given_: Shares, limits: Thresholds) -> None:
    fewer = sum(share for number, share in given_.items() if number < expected)
    more = sum(share for number, share in given_.items() if number > expected)
    verdict = verdict_of(expected, given_, limits).verdict

    assert verdict is not Verdict.SHORT or fewer >= limits.variance
    assert verdict is not Verdict.OVER or more >= limits.variance


@given(st.integers(1, 5), shares(), thresholds)
def test_where_no_threshold_is_reached_a_person_looks(expected: int, given_: Shares, limits: Thresholds) -> None:
    fewer = sum(share for number, share in given_.items() if number < expected)
    more = sum(share for number, share in given_.items() if number > expected)
    assume(given_[expected] < limits.match and fewer < limits.variance and more < limits.variance)

    assert verdict_of(expected, given_, limits).verdict is Verdict.UNCERTAIN


@pytest.mark.parametrize("expected", [0, 6, 7, 1_000_000])
def test_what_the_model_never_counts_goes_to_a_person(expected: int) -> None:
    finding = verdict_of(expected, SURE_OF_3)

    assert finding.verdict is Verdict.UNCERTAIN
    assert f"{expected} expected" in finding.reason
    assert "1 to 5" in finding.reason
    assert finding.counted == 3


def test_a_count_without_probabilities_goes_to_a_person() -> None:
    count = counted()
    bare = type(count)(count.image, count.status, count=3)

    assert line_verdict(order_line(3), bare, now=NOON, thresholds=THRESHOLDS).verdict is Verdict.UNCERTAIN


def test_a_reason_tells_both_numbers_and_how_sure() -> None:
    reason = verdict_of(5, SURE_OF_3).reason

    assert reason == "5 expected, 3 counted: 1% as expected, 99% fewer, 0% more."


@pytest.mark.parametrize(
    ("due", "verdict"),
    [
        (None, Verdict.PENDING),
        (LATER, Verdict.PENDING),
        ("2026-05-04T12:00:00.001Z", Verdict.PENDING),
        (NOON, Verdict.MISSING),
        ("2026-05-03T23:59:59.999Z", Verdict.MISSING),
    ],
)
def test_what_is_not_counted_is_pending_until_it_is_due(due: str | None, verdict: Verdict) -> None:
    finding = line_verdict(order_line(due=due), None, now=NOON, thresholds=THRESHOLDS)

    assert (finding.verdict, finding.counted) == (verdict, None)


@pytest.mark.parametrize("due", [None, LATER, "2026-01-01T00:00:00.000Z"])
def test_a_photograph_that_was_not_counted_is_unreadable_due_or_not(due: str | None) -> None:
    finding = line_verdict(order_line(due=due), unreadable(), now=NOON, thresholds=THRESHOLDS)

    assert finding == Finding(
        Verdict.UNREADABLE, "The latest photograph was not counted: corrupt_image: Damaged.", counted=None
    )


def test_an_unreadable_photograph_is_no_variance_and_no_match() -> None:
    for expected in range(7):
        finding = line_verdict(order_line(expected), unreadable(), now=NOON, thresholds=THRESHOLDS)
        assert finding.verdict is Verdict.UNREADABLE


ATTENTION = ["SHORT", "OVER", "MISSING", "UNREADABLE", "UNCERTAIN", "PENDING", "MATCH"]


@given(st.lists(st.sampled_from(list(Verdict)), min_size=1))
def test_a_consignment_has_the_verdict_that_needs_attention_first(verdicts: list[Verdict]) -> None:
    assert consignment_verdict(verdicts) == min(verdicts, key=ATTENTION.index)


def test_a_consignment_matches_only_when_every_line_does() -> None:
    assert consignment_verdict([Verdict.MATCH, Verdict.MATCH]) is Verdict.MATCH
    assert consignment_verdict([]) is Verdict.PENDING
