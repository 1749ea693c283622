import numpy as np
import pytest
from binlab.evaluate.orders import order_figures, weights_of
from binlab.evaluate.verdicts import Thresholds
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.training.answering import answers_of, guesses

# Two bins of three: the first surely holds 3, of the second the model says 1 with some doubt.
SURE = answers_of([3, 3], [[0, 0, 1, 0, 0], [0.7, 0.3, 0, 0, 0]])


def test_every_alteration_shares_the_weight_of_its_photograph() -> None:
    right, altered = weights_of(answers_of([1, 3], [[0.2] * 5] * 2))

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
    assert figures["outside"] == {}


def test_what_needs_no_model() -> None:
    figures = order_figures(SURE, None, Thresholds())

    assert (figures["always_as_expected"]["miss_rate"], figures["always_as_expected"]["false_alarm_rate"]) == (1, 0)
    assert figures["always_a_person"]["to_person"] == pytest.approx(1)
    assert figures["without_thresholds"]["to_person"] == 0
    assert figures["without_thresholds"]["miss_rate"] == pytest.approx(1 / 8)
    assert figures["without_thresholds"]["wrong_way"] == pytest.approx(1 / 8)


def test_empty_and_fuller_bins_are_short_and_over_of_every_order() -> None:
    outside = answers_of([0, 9], [[1, 0, 0, 0, 0], [0, 0, 0, 0, 1]], empty=[0.95, 0])
    figures = order_figures(SURE, outside, Thresholds())["outside"]

    assert figures["empty"] == pytest.approx({"miss_rate": 0, "found": 1, "to_person": 0})
    assert figures["fuller"] == pytest.approx({"miss_rate": 1 / 5, "found": 4 / 5, "to_person": 0})


@given(st.integers(0, 99), st.integers(1, 30))
def test_rates_are_shares_and_the_order_of_rows_does_not_matter(seed: int, number: int) -> None:
    answers = guesses(seed, number, outside=False)
    figures = order_figures(answers, None, Thresholds())
    turned = order_figures(answers.where(np.arange(number)[::-1]), None, Thresholds())

    for row in (figures, *figures["grid"], figures["without_thresholds"]):
        of_altered = [row[name] for name in ("miss_rate", "found", "wrong_way", "altered_to_person")]
        assert min(of_altered) >= 0
        assert sum(of_altered) == pytest.approx(1)
        assert row["false_alarm_rate"] + row["matched"] + row["right_to_person"] == pytest.approx(1)
    assert turned["grid"][7] == pytest.approx(figures["grid"][7])


@given(st.integers(0, 99))
def test_higher_thresholds_miss_less_and_alarm_less(seed: int) -> None:
    grid = order_figures(guesses(seed, 40, outside=False), None, Thresholds())["grid"]
    missed = [row["miss_rate"] for row in grid if row["variance"] == 0.9]
    alarmed = [row["false_alarm_rate"] for row in grid if row["match"] == 0.6]

    for rates in (missed, alarmed):
        assert np.diff(rates).max() <= 1e-12
