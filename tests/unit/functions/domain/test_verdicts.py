from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from bintally.domain.bins import BinCount
from bintally.domain.intervals import Interval
from bintally.domain.risk import OrderPrior
from bintally.domain.verdicts import (
    Finding,
    Verdict,
    VerdictRules,
    consignment_verdict,
    line_verdict,
)
from bintally.domain.volume import Volume
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from tests.unit.functions.domain.test_volume_odds import volumes
from tests.unit.functions.examples import LATER, NOON, RULES, SURE_OF_3, TWO_LITRES, counted, order_line, unreadable

Shares = dict[int, float]


def best(shares: Shares, empty: float | None = None, over_range: float | None = None) -> dict[str, Any]:
    """The count and at_least of a model with these probabilities: the most probable of all."""
    inside = 1 - (empty or 0) - (over_range or 0)
    outputs = {0: empty or 0.0, **{number: share * inside for number, share in shares.items()}}
    outputs[max(shares) + 1] = over_range or 0.0
    number = max(outputs, key=lambda each: outputs[each])
    return {"count": None, "at_least": number} if number > max(shares) else {"count": number}


def verdict_of(expected: int, shares: Shares, rules: VerdictRules = RULES) -> Finding:
    count = counted(count=max(shares, key=lambda number: shares[number]), probabilities=shares)
    return line_verdict(order_line(expected), count, now=NOON, rules=rules)


@st.composite
def shares(draw: st.DrawFn) -> Shares:
    """Probabilities of 1 to 5 items in hundredths, so that sums are exact and ties happen."""
    cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=4, max_size=4)))
    parts = [end - start for start, end in itertools.pairwise([0, *cuts, 100])]
    return {number: part / 100 for number, part in enumerate(parts, 1)}


# Few examples meet the assumption of these tests.
MANY_FILTERED = settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
rules = st.builds(
    VerdictRules,
    match_risk=st.integers(0, 49).map(lambda hundredths: hundredths / 100),
    variance=st.integers(50, 100).map(lambda hundredths: hundredths / 100),
    prior=st.builds(OrderPrior, st.integers(1, 50).map(lambda hundredths: hundredths / 100)),
)
TIE = {1: 0.0, 2: 0.5, 3: 0.5, 4: 0.0, 5: 0.0}
LAX = VerdictRules(0.49, 0.5)


@pytest.mark.parametrize(
    ("expected", "probabilities", "verdict"),
    [
        (3, SURE_OF_3, Verdict.MATCH),
        (5, SURE_OF_3, Verdict.SHORT),
        (4, SURE_OF_3, Verdict.SHORT),
        (1, SURE_OF_3, Verdict.OVER),
        (3, {1: 0.0, 2: 0.0, 3: 0.6, 4: 0.4, 5: 0.0}, Verdict.MATCH),
        (3, {1: 0.0, 2: 0.0, 3: 0.55, 4: 0.45, 5: 0.0}, Verdict.MATCH),
        (3, {1: 0.0, 2: 0.3, 3: 0.35, 4: 0.35, 5: 0.0}, Verdict.UNCERTAIN),
        (4, {1: 0.0, 2: 0.2, 3: 0.6, 4: 0.2, 5: 0.0}, Verdict.UNCERTAIN),
        (3, {1: 0.2, 2: 0.2, 3: 0.2, 4: 0.2, 5: 0.2}, Verdict.UNCERTAIN),
    ],
)
def test_verdicts_of_photos_and_orders(expected: int, probabilities: Shares, verdict: Verdict) -> None:
    assert verdict_of(expected, probabilities).verdict is verdict


@given(st.integers(1, 5), shares(), rules)
def test_a_match_has_no_more_risk_than_the_rules_allow(expected: int, given_: Shares, limits: VerdictRules) -> None:
    finding = verdict_of(expected, given_, limits)

    assert finding.odds is not None
    assert finding.verdict is not Verdict.MATCH or finding.odds.risk <= limits.match_risk


@example(3, TIE, LAX)
@given(st.integers(1, 5), shares(), rules)
def test_a_match_was_counted_as_expected(expected: int, given_: Shares, limits: VerdictRules) -> None:
    finding = verdict_of(expected, given_, limits)

    assert finding.verdict is not Verdict.MATCH or finding.counted == expected


@given(st.integers(1, 5), shares(), rules)
def test_a_variance_is_as_probable_as_the_rules_demand(expected: int, given_: Shares, limits: VerdictRules) -> None:
    finding = verdict_of(expected, given_, limits)

    assert finding.odds is not None
    assert finding.verdict is not Verdict.SHORT or finding.odds.fewer >= limits.variance
    assert finding.verdict is not Verdict.OVER or finding.odds.more >= limits.variance


@MANY_FILTERED
@given(st.integers(1, 5), shares(), rules)
def test_a_probable_variance_is_never_a_match(expected: int, given_: Shares, limits: VerdictRules) -> None:
    finding = verdict_of(expected, given_, limits)
    assert finding.odds is not None
    assume(max(finding.odds.fewer, finding.odds.more) >= limits.variance)

    assert finding.verdict is not Verdict.MATCH


@MANY_FILTERED
@given(st.integers(1, 5), shares(), rules)
def test_an_uncertain_count_needs_a_person(expected: int, given_: Shares, limits: VerdictRules) -> None:
    finding = verdict_of(expected, given_, limits)
    assert finding.odds is not None
    assume(finding.odds.risk > limits.match_risk)
    assume(max(finding.odds.fewer, finding.odds.more) < limits.variance)

    assert finding.verdict is Verdict.UNCERTAIN


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

    assert line_verdict(order_line(3), bare, now=NOON, rules=RULES).verdict is Verdict.UNCERTAIN


def test_a_reason_tells_both_numbers_and_how_sure() -> None:
    reason = verdict_of(5, SURE_OF_3).reason

    assert reason == "5 expected, 3 counted: 13.7% as expected, 86.3% fewer, 0.0% more."


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
    finding = line_verdict(order_line(due=due), None, now=NOON, rules=RULES)

    assert (finding.verdict, finding.counted) == (verdict, None)


@pytest.mark.parametrize("due", [None, LATER, "2026-01-01T00:00:00.000Z"])
def test_an_image_that_was_not_counted_is_unreadable_due_or_not(due: str | None) -> None:
    finding = line_verdict(order_line(due=due), unreadable(), now=NOON, rules=RULES)

    overdue = due is not None and due < NOON
    reason = "The latest photo was not counted: Damaged."
    late = " Overdue: due by 2026-01-01 00:00 (UTC)." if overdue else ""
    assert finding == Finding(Verdict.UNREADABLE, reason + late, counted=None, overdue=overdue)


def test_an_unreadable_image_is_no_variance_and_no_match() -> None:
    for expected in range(7):
        finding = line_verdict(order_line(expected), unreadable(), now=NOON, rules=RULES)
        assert finding.verdict is Verdict.UNREADABLE


ATTENTION = ["SHORT", "OVER", "MISSING", "UNREADABLE", "UNCERTAIN", "PENDING", "MATCH", "WITHDRAWN"]


@given(st.lists(st.sampled_from(list(Verdict)), min_size=1))
def test_a_consignment_has_the_verdict_that_needs_attention_first(verdicts: list[Verdict]) -> None:
    assert consignment_verdict(verdicts) == min(verdicts, key=ATTENTION.index)


def test_a_consignment_matches_only_when_every_line_does() -> None:
    assert consignment_verdict([Verdict.MATCH, Verdict.MATCH]) is Verdict.MATCH
    assert consignment_verdict([]) is Verdict.PENDING


# ---- A model that knows bins that are empty or over its range, and says an interval

NEARLY_3 = {1: 0.0, 2: 0.04, 3: 0.96, 4: 0.0, 5: 0.0}
SURE_OF_5 = {1: 0.0, 2: 0.0, 3: 0.0, 4: 0.02, 5: 0.98}
ONE_AT_MOST = {1: 1.0, 2: 0.0, 3: 0.0, 4: 0.0, 5: 0.0}


def verdict_with(
    expected: int, probabilities: Shares, low: int | None = None, high: int | None = None, **odds: float
) -> Finding:
    interval = None if low is None else Interval(low, high, 0.9)
    count = counted(**best(probabilities, **odds), probabilities=probabilities, interval=interval, **odds)
    return line_verdict(order_line(expected), count, now=NOON, rules=RULES)


@pytest.mark.parametrize(
    ("expected", "empty", "over_range", "verdict"),
    [
        (3, 0.0, 0.0, Verdict.MATCH),
        (3, 0.2, 0.2, Verdict.MATCH),
        (3, 0.4, 0.4, Verdict.UNCERTAIN),
        (3, 0.98, 0.0, Verdict.SHORT),
        (3, 0.0, 0.98, Verdict.OVER),
        (5, 0.0, 0.15, Verdict.SHORT),
        (5, 0.0, 0.25, Verdict.UNCERTAIN),
        (0, 0.7, 0.0, Verdict.MATCH),
        (0, 0.2, 0.0, Verdict.UNCERTAIN),
        (0, 0.01, 0.3, Verdict.OVER),
        (6, 0.0, 0.01, Verdict.SHORT),
        (6, 0.0, 0.3, Verdict.UNCERTAIN),
        (6, 0.0, 1.0, Verdict.UNCERTAIN),
        (900, 0.05, 0.01, Verdict.SHORT),
        (900, 0.0, 1.0, Verdict.UNCERTAIN),
    ],
)
def test_bins_out_of_range_are_allowed_for(expected: int, empty: float, over_range: float, verdict: Verdict) -> None:
    assert verdict_with(expected, NEARLY_3, empty=empty, over_range=over_range).verdict is verdict


@pytest.mark.parametrize(("expected", "missing"), [(0, "empty"), (6, "over_range")])
def test_what_the_model_has_no_output_for_goes_to_a_person(expected: int, missing: str) -> None:
    odds = {"empty": 0.0, "over_range": 0.0}
    del odds[missing]

    assert verdict_with(expected, NEARLY_3, **odds).verdict is Verdict.UNCERTAIN
    assert "this model counts from 1 to 5" in verdict_with(expected, NEARLY_3, **odds).reason


@pytest.mark.parametrize(
    ("expected", "low", "high", "verdict"),
    [
        (3, 3, 3, Verdict.MATCH),
        (3, 2, 3, Verdict.MATCH),
        (3, 4, 5, Verdict.UNCERTAIN),  # a match is never outside of the interval
        (5, 2, 3, Verdict.SHORT),
        (5, 2, 4, Verdict.SHORT),
        (5, 3, 5, Verdict.UNCERTAIN),  # a variance is never within it
        (5, 3, None, Verdict.UNCERTAIN),
        (1, 2, 3, Verdict.OVER),
        (1, 1, 3, Verdict.UNCERTAIN),
        (1, 0, 3, Verdict.UNCERTAIN),
        (0, 1, 3, Verdict.OVER),
        (0, 0, 3, Verdict.UNCERTAIN),
        (7, 3, 5, Verdict.SHORT),
        (7, 3, None, Verdict.UNCERTAIN),
    ],
)
def test_no_verdict_contradicts_the_interval(expected: int, low: int, high: int, verdict: Verdict) -> None:
    assert verdict_with(expected, NEARLY_3, low, high, empty=0.0, over_range=0.0).verdict is verdict


@st.composite
def bins(draw: st.DrawFn) -> BinCount:
    """What a model may say: probabilities in hundredths, the most probable count, any interval that includes it."""
    given_, cuts = draw(shares()), draw(st.lists(st.integers(0, 100), min_size=2, max_size=2).map(sorted))
    odds = {"empty": cuts[0] / 100, "over_range": 1 - cuts[1] / 100}
    answer = best(given_, **odds)
    number = answer["count"] if answer["count"] is not None else 6
    low, high = draw(st.integers(0, number)), draw(st.integers(number, 6))
    interval = draw(st.sampled_from([None, Interval(low, high if high < 6 else None, 0.9)]))
    return counted(**answer, probabilities=given_, interval=interval, **odds)


@example(4, counted(count=None, at_least=6, probabilities=SURE_OF_5, empty=0.0, over_range=0.92), RULES)
@example(6, counted(count=None, at_least=6, probabilities=TIE, empty=0.0, over_range=0.4), LAX)
@example(3, counted(count=3, probabilities={1: 0.3, 2: 0.3, 3: 0.4, 4: 0.0, 5: 0.0}), LAX)
@example(1, counted(count=0, probabilities=ONE_AT_MOST, empty=0.52, over_range=0.0), LAX)
@given(st.integers(0, 9), bins(), rules)
def test_no_verdict_contradicts_the_count_and_the_interval_beside_it(
    expected: int, count: BinCount, limits: VerdictRules
) -> None:
    check_agreement(expected, line_verdict(order_line(expected), count, now=NOON, rules=limits), count)


@given(st.integers(0, 9), bins(), rules, volumes, st.floats(0.01, 100))
def test_nor_does_one_that_weighs_the_volume(
    expected: int, count: BinCount, limits: VerdictRules, volume: Volume, item: float
) -> None:
    line = replace(order_line(expected), item_volume_l=item)

    check_agreement(expected, line_verdict(line, replace(count, volume=volume), now=NOON, rules=limits), count)


@given(st.integers(0, 9), bins(), rules)
def test_without_both_volumes_everything_is_as_if_there_were_none(
    expected: int, count: BinCount, limits: VerdictRules
) -> None:
    line = order_line(expected)
    pairs = [(replace(line, item_volume_l=0.5), count), (line, replace(count, volume=TWO_LITRES))]

    found = [line_verdict(*pair, now=NOON, rules=limits) for pair in [(line, count), *pairs]]

    assert found[1:] == [found[0]] * 2


@pytest.mark.parametrize(
    ("expected", "item", "words"),
    [
        (4, 0.9, "more. The photo shows about 2.0 l; 4 items would be 3.6 l."),
        (1, 0.0213, "more. The photo shows about 2.0 l; 1 item would be 0.021 l."),
        (0, 0.9, "more. The photo shows about 2.0 l."),
        (1200, 0.9, "above 5. The photo shows about 2.0 l; 1,200 items would be 1,080 l."),
    ],
)
def test_a_reason_tells_the_volume_that_had_a_say(expected: int, item: float, words: str) -> None:
    count = counted(probabilities=NEARLY_3, empty=0.01, over_range=0.01, volume=TWO_LITRES)
    finding = line_verdict(replace(order_line(expected), item_volume_l=item), count, now=NOON, rules=RULES)

    assert finding.reason.endswith(words)


def check_agreement(expected: int, finding: Finding, count: BinCount) -> None:
    assert (finding.counted, finding.counted_at_least) == (count.count, count.at_least)
    interval = count.interval or Interval(0, None, 1.0)
    match finding.verdict:
        case Verdict.MATCH:
            assert finding.counted == expected
            assert interval.holds(expected)
        case Verdict.SHORT:
            assert finding.counted is not None
            assert finding.counted < expected
            assert count.interval is None or interval.is_below(expected)
        case Verdict.OVER:
            assert (finding.counted_at_least if finding.counted is None else finding.counted) > expected  # type: ignore[operator]
            assert count.interval is None or interval.is_above(expected)
        case other:
            assert other is Verdict.UNCERTAIN


@pytest.mark.parametrize(
    ("expected", "finding"),
    [
        (3, "3 expected, 3 or 4 counted (90%): 99.5% as expected, 0.4% fewer, 0.1% more."),
        (0, "0 expected, 3 or 4 counted (90%): 21.9% as expected, 0.0% fewer, 78.1% more."),
        (
            8,
            "8 expected, 3 or 4 counted (90%): 31.9% as expected, 62.8% fewer, 5.4% more. "
            "The model can't distinguish numbers above 5.",
        ),
    ],
)
def test_a_reason_tells_the_interval(expected: int, finding: str) -> None:
    assert verdict_with(expected, NEARLY_3, 3, 4, empty=0.01, over_range=0.01).reason == finding


@pytest.mark.parametrize(
    ("expected", "verdict", "counted_", "words"),
    [
        (0, Verdict.MATCH, 0, "0 expected, 0 counted (90%): 99.3% as expected"),
        (1, Verdict.SHORT, 0, "1 expected, 0 counted (90%): 32.7% as expected, 67.3% fewer"),
    ],
)
def test_an_empty_bin_is_counted_as_empty(expected: int, verdict: Verdict, counted_: int, words: str) -> None:
    finding = verdict_with(expected, ONE_AT_MOST, 0, 0, empty=0.96, over_range=0.0)

    assert (finding.verdict, finding.counted) == (verdict, counted_)
    assert finding.reason.startswith(words)


def test_a_bin_over_range_is_over_what_the_model_counts() -> None:
    finding = verdict_with(5, SURE_OF_5, 6, None, empty=0.0, over_range=0.95)

    assert (finding.verdict, finding.counted, finding.counted_at_least) == (Verdict.OVER, None, 6)
    assert finding.reason.startswith("5 expected, 6 or more counted (90%): 22.1% as expected, 0.0% fewer, 77.9% more")


def test_a_bin_over_range_is_counted_not_unreadable() -> None:
    finding = verdict_with(4, SURE_OF_5, empty=0.0, over_range=0.92)

    assert (finding.verdict, finding.counted_at_least) == (Verdict.OVER, 6)
    assert finding.reason == "4 expected, 6+ counted: 1.5% as expected, 0.0% fewer, 98.5% more."


@pytest.mark.parametrize("expected", [6, 9, 900])
def test_of_more_than_the_model_counts_it_can_not_tell_which(expected: int) -> None:
    finding = verdict_with(expected, SURE_OF_5, 6, None, empty=0.0, over_range=0.95)

    assert (finding.verdict, finding.counted_at_least) == (Verdict.UNCERTAIN, 6)
