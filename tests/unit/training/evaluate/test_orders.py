"""The rates of verdicts, and that the restated rule gives the same verdicts as the functions."""

import numpy as np
import pytest
from binlab.evaluate.orders import Thresholds, compare, order_figures, order_weights, verdicts
from bintally.domain import verdicts as served
from bintally.domain.bins import BinCount, BinStatus
from bintally.domain.image import Image
from bintally.domain.intervals import Interval
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.training.evaluate.examples import guesses, predictions_of

NOW = "2026-11-23T12:00:00.000Z"
IMAGE = Image("intake", "b/1.jpg", "v", "1", NOW, "b")
WEIGHTS = st.lists(st.integers(0, 40), min_size=7, max_size=7).filter(lambda each: sum(each[1:6]) > 0)
SPANS = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda pair: (min(pair), max(pair)))
THRESHOLD = st.sampled_from([0.5, 0.6, 0.75, 0.9, 0.95])


def served_verdict(expected: int, count: BinCount, thresholds: Thresholds) -> str:
    line = served.OrderLine("C", "b", expected)
    limits = served.Thresholds(match=thresholds.match, variance=thresholds.variance)
    return served.line_verdict(line, count, now=NOW, thresholds=limits).verdict.value


@given(WEIGHTS, SPANS | st.none(), st.booleans(), st.integers(1, 5), THRESHOLD, THRESHOLD)
def test_both_rules_agree(
    weights: list[int], span: tuple[int, int] | None, knows: bool, expected: int, match: float, variance: float
) -> None:
    inside = np.array(weights[1:6]) / sum(weights[1:6])
    empty, over_range = (weights[0] / sum(weights), weights[6] / sum(weights)) if knows else (0.0, 0.0)
    thresholds = Thresholds(match, variance)
    predictions = predictions_of(
        [1], [inside], empty=[empty], over_range=[over_range], intervals=[span] if span else None
    )
    predicted = int(predictions.predicted[0])
    ends = None if span is None else (span[0], span[1] if span[1] <= 5 else None)
    count = BinCount(
        image=IMAGE,
        status=BinStatus.COUNTED,
        count=predicted if predicted <= 5 else None,
        at_least=predicted if predicted > 5 else None,
        probabilities=dict(zip(range(1, 6), inside.tolist(), strict=True)),
        empty=empty if knows else None,
        over_range=over_range if knows else None,
        interval=Interval(*ends, 0.9) if ends else None,
    )
    found = compare(predictions)
    chances = [table[0, expected - 1] for table in (found.fewer, found.equal, found.more)]
    # Where a sum is a threshold, the last bit decides, and it depends on the order of the summands.
    assume(all(abs(chance - limit) > 1e-9 for chance in chances for limit in (match, variance)))

    assert sum(chances) == pytest.approx(1)
    assert verdicts(found, thresholds)[0, expected - 1] == served_verdict(expected, count, thresholds)


def test_verdicts_by_hand() -> None:
    predictions = predictions_of([2, 2], [[0.02, 0.95, 0.03], [0.5, 0.3, 0.2]], empty=[0, 0.8])

    assert verdicts(compare(predictions), Thresholds()).tolist() == [
        ["OVER", "MATCH", "SHORT"],
        ["UNCERTAIN", "SHORT", "SHORT"],
    ]


def test_a_contradicting_interval_needs_a_person() -> None:
    rows = [[0.02, 0.95, 0.03]] * 2
    predictions = predictions_of([2, 2], rows, intervals=[(1, 3), (3, 3)])

    assert verdicts(compare(predictions), Thresholds()).tolist() == [
        ["UNCERTAIN", "MATCH", "UNCERTAIN"],
        ["OVER", "UNCERTAIN", "UNCERTAIN"],
    ]


# Two bins of three: the first surely holds 3, of the second the model says 1 with some doubt.
SURE = predictions_of([3, 3], [[0, 0, 1, 0, 0], [0.7, 0.3, 0, 0, 0]])


def test_every_alteration_shares_the_weight_of_its_photo() -> None:
    right, altered = order_weights(predictions_of([1, 3], [[0.2] * 5] * 2))

    assert right.tolist() == [[0.5, 0, 0, 0, 0], [0, 0, 0.5, 0, 0]]
    assert altered.tolist() == [[0, 0.25, 0.25, 0, 0], [-0.125, -0.125, 0, 0.125, 0.125]]


def test_the_figures_of_two_bins_by_hand() -> None:
    """Right: MATCH; SHORT. Altered, to 1, 2, 4, 5: OVER, OVER, SHORT, SHORT; MATCH, UNCERTAIN, SHORT, SHORT."""
    figures = order_figures(SURE, None, Thresholds(0.6, 0.9))

    assert figures["matched"] == pytest.approx(1 / 2)
    assert figures["false_alarm_rate"] == pytest.approx(1 / 2)
    assert figures["miss_rate"] == pytest.approx(1 / 8)
    assert figures["found"] == pytest.approx(6 / 8)
    assert figures["wrong_way"] == pytest.approx(0)
    assert figures["altered_to_person"] == pytest.approx(1 / 8)
    assert figures["to_person"] == pytest.approx(0.1 * 1 / 8)
    assert figures["miss_rate_by_step"] == pytest.approx({"1": 0, "2": 1 / 4})
    assert figures["out_of_range"] == {}


def test_the_baselines_need_no_model() -> None:
    figures = order_figures(SURE, None, Thresholds())

    assert (figures["always_match"]["miss_rate"], figures["always_match"]["false_alarm_rate"]) == (1, 0)
    assert figures["always_a_person"]["to_person"] == pytest.approx(1)
    assert figures["without_thresholds"]["to_person"] == 0
    assert figures["without_thresholds"]["miss_rate"] == pytest.approx(1 / 8)
    assert figures["without_thresholds"]["wrong_way"] == pytest.approx(1 / 8)


def test_empty_and_over_range_bins_are_short_and_over_of_every_order() -> None:
    outside = predictions_of([0, 9], [[1, 0, 0, 0, 0], [0, 0, 0, 0, 1]], empty=[0.95, 0])
    figures = order_figures(SURE, outside, Thresholds())["out_of_range"]

    assert figures["empty"] == pytest.approx({"miss_rate": 0, "found": 1, "to_person": 0})
    assert figures["over_range"] == pytest.approx({"miss_rate": 1 / 5, "found": 4 / 5, "to_person": 0})


@given(st.integers(0, 99), st.integers(1, 30))
def test_rates_are_shares_and_the_order_of_rows_does_not_matter(seed: int, number: int) -> None:
    predictions = guesses(seed, number, outside=False)
    figures = order_figures(predictions, None, Thresholds())
    turned = order_figures(predictions.where(np.arange(number)[::-1]), None, Thresholds())

    for row in (figures, *figures["grid"], figures["without_thresholds"]):
        of_altered = [row[name] for name in ("miss_rate", "found", "wrong_way", "altered_to_person")]
        assert min(of_altered) >= 0
        assert sum(of_altered) == pytest.approx(1)
        assert row["false_alarm_rate"] + row["matched"] + row["correct_to_person"] == pytest.approx(1)
    assert turned["grid"][7] == pytest.approx(figures["grid"][7])


@given(st.integers(0, 99))
def test_higher_thresholds_miss_less_and_alarm_less(seed: int) -> None:
    grid = order_figures(guesses(seed, 40, outside=False), None, Thresholds())["grid"]
    missed = [row["miss_rate"] for row in grid if row["variance"] == 0.9]
    alarmed = [row["false_alarm_rate"] for row in grid if row["match"] == 0.6]

    for rates in (missed, alarmed):
        assert np.diff(rates).max() <= 1e-12
