"""The rates of verdicts, and that the restated rule gives the same verdicts as the functions."""

from dataclasses import replace

import numpy as np
import pytest
from binlab.evaluate.orders import DISCREPANCY_RATES, Rules, auc, lift_curve, order_figures, order_lines, verdicts
from binlab.evaluate.predictions import Predictions
from bintally.domain import verdicts as served
from bintally.domain.bins import BinCount, BinStatus
from bintally.domain.image import Image
from bintally.domain.intervals import Interval
from bintally.domain.risk import OrderPrior
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.training.evaluate.examples import guesses, predictions_of

NOW = "2026-11-23T12:00:00.000Z"
IMAGE = Image("intake", "b/1.jpg", "v", "1", NOW, "b")
WEIGHTS = st.lists(st.integers(0, 40), min_size=7, max_size=7).filter(lambda each: sum(each[1:6]) > 0)
SPANS = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda pair: (min(pair), max(pair)))
RULES = st.builds(
    Rules,
    match_risk=st.sampled_from([0.001, 0.02, 0.1, 0.3]),
    variance=st.sampled_from([0.5, 0.6, 0.9]),
    discrepancy_rate=st.sampled_from([0.01, 0.05, 0.3]),
    steps=st.sampled_from([(0.7, 0.2, 0.1), (1.0,), (0.5, 0.5)]),
)


def served_finding(expected: int, count: BinCount, rules: Rules) -> served.Finding:
    line = served.OrderLine("C", "b", expected)
    prior = OrderPrior(rules.discrepancy_rate, rules.steps)
    limits = served.VerdictRules(rules.match_risk, rules.variance, prior)
    return served.line_verdict(line, count, now=NOW, rules=limits)


@given(WEIGHTS, SPANS | st.none(), st.integers(0, 12), RULES)
def test_both_rules_agree(weights: list[int], span: tuple[int, int] | None, recorded: int, rules: Rules) -> None:
    inside = np.array(weights[1:6]) / sum(weights[1:6])
    empty, over_range = weights[0] / sum(weights), weights[6] / sum(weights)
    predictions = predictions_of(
        [recorded], [inside], empty=[empty], over_range=[over_range], intervals=[span] if span else None
    )
    predicted = int(predictions.predicted[0])
    ends = None if span is None else (span[0], span[1] if span[1] <= 5 else None)
    count = BinCount(
        image=IMAGE,
        status=BinStatus.COUNTED,
        count=predicted if predicted <= 5 else None,
        at_least=predicted if predicted > 5 else None,
        probabilities=dict(zip(range(1, 6), inside.tolist(), strict=True)),
        empty=empty,
        over_range=over_range,
        interval=Interval(*ends, 0.9) if ends else None,
    )
    lines = order_lines(predictions, rules)
    # Where a sum is a threshold, the last bit decides, and it depends on the order of the summands.
    limits = np.array([[rules.match_risk], [rules.variance]])
    assume(all(abs(chances - limits).min() > 2e-6 for chances in (lines.fewer, lines.more, lines.risk)))

    for expected, verdict, fewer, more in zip(
        lines.expected.tolist(), verdicts(predictions, lines, rules), lines.fewer, lines.more, strict=True
    ):
        finding = served_finding(expected, count, rules)
        assert finding.odds is not None
        assert (finding.odds.fewer, finding.odds.more) == pytest.approx((fewer, more), abs=2e-6)
        assert verdict == finding.verdict.value


def lines_of(predictions: Predictions) -> list[tuple[int, int, float]]:
    lines = order_lines(predictions, Rules(discrepancy_rate=0.1))
    return sorted(zip(lines.expected.tolist(), lines.offset.tolist(), lines.weight.round(6).tolist(), strict=True))


def test_every_photo_has_the_correct_order_and_wrong_ones_as_often_as_they_come() -> None:
    assert lines_of(predictions_of([3], [[0.2] * 5])) == [
        (0, -3, 0.005),
        (1, -2, 0.01),
        (2, -1, 0.035),
        (3, 0, 0.9),
        (4, 1, 0.035),
        (5, 2, 0.01),
        (6, 3, 0.005),
    ]


def test_no_order_expects_fewer_than_nothing() -> None:
    assert lines_of(predictions_of([1], [[0.2] * 5])) == [
        (0, -1, 0.035),
        (1, 0, 0.9),
        (2, 1, 0.035),
        (3, 2, 0.02),
        (4, 3, 0.01),
    ]


# The model is sure of the first bin, and right; of the second it says 1, and the bin holds 3.
SURE = predictions_of([3, 3], [[0, 0, 1, 0, 0], [0.9, 0.1, 0, 0, 0]])


def test_the_figures_of_two_bins_by_hand() -> None:
    """Settled: the correct line of the first bin, and the line of the second that expects 1."""
    rules = Rules(match_risk=0.1, variance=0.9, discrepancy_rate=0.1)

    figures = order_figures(SURE, rules)

    assert figures["settled"] == pytest.approx(0.9 / 2 + 0.01 / 2)
    assert figures["wrong_settled"] == pytest.approx(0.01 / 0.91)
    assert figures["leak_ratio"] == pytest.approx(0.1 / 0.91)
    assert figures["wrong_seen"] == pytest.approx(0.95)


def test_rates_of_a_model_that_knows_nothing() -> None:
    """Only the orders' own numbers tell it anything."""
    figures = order_figures(
        predictions_of([1, 2, 3, 4, 5], [[0.2] * 5] * 5, empty=[0.02] * 5, over_range=[0.03] * 5), Rules()
    )

    assert figures["settled"] == 0
    assert figures["wrong_settled"] == figures["leak_ratio"] == 0
    assert figures["wrong_seen"] == 1
    assert figures["precision"] is None
    assert figures["auc_within"] == pytest.approx(0.5)


def test_a_perfect_model_finds_everything_first() -> None:
    figures = order_figures(predictions_of([1, 2, 3, 4, 5], np.eye(5).tolist()), Rules())

    assert figures["auc"] == pytest.approx(1)
    assert figures["precision"] == pytest.approx(1)
    assert figures["lift_10"] == pytest.approx(10)
    assert figures["wrong_settled"] == 0


def test_an_area_under_the_curve_is_that_of_all_pairs() -> None:
    scores, positive = np.array([1.0, 2, 2, 3]), np.array([False, True, False, True])
    weights = np.array([1.0, 2, 3, 4])

    pairs = [(2, 2, 1, 1), (2, 2, 3, 0.5), (4, 4, 1, 1), (4, 4, 3, 1)]  # weight twice to keep the tuple short
    won = sum(positive_weight * negative * share for positive_weight, _, negative, share in pairs)
    assert auc(scores, positive, weights) == pytest.approx(won / (6 * 4))


@given(st.integers(0, 99), st.integers(2, 30))
def test_rates_are_shares_and_the_order_of_rows_does_not_matter(seed: int, number: int) -> None:
    predictions = guesses(seed, number)
    figures = order_figures(predictions, Rules())
    turned = order_figures(predictions.where(np.arange(number)[::-1]), Rules())

    assert set(figures["by_rate"]) == {str(rate) for rate in DISCREPANCY_RATES}
    for row in (figures, *figures["by_rate"].values()):
        shares = [row[name] for name in ("settled", "wrong_settled", "wrong_seen", "alerts", "auc")]
        assert -1e-9 <= min(shares) <= max(shares) <= 1 + 1e-9
    for name in ("settled", "wrong_settled", "auc", "auc_within", "lift_10"):
        assert turned[name] == pytest.approx(figures[name])


@given(st.integers(0, 99))
def test_a_higher_risk_settles_more(seed: int) -> None:
    for figures in order_figures(guesses(seed, 40), Rules())["by_rate"].values():
        assert np.diff([row["settled"] for row in figures["by_match_risk"]]).min() >= -1e-12


@given(st.integers(0, 99), st.sampled_from(DISCREPANCY_RATES))
def test_the_lift_curve_rises_from_none_to_all(seed: int, rate: float) -> None:
    curve = lift_curve(order_lines(guesses(seed, 40), replace(Rules(), discrepancy_rate=rate)))

    assert (curve[0], curve[-1]) == (0, 1)
    assert np.diff(curve).min() >= 0
