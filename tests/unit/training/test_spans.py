import numpy as np
import pytest
from binlab.evaluate.spans import held, reaches_out, span_figures
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.training.answering import answers_of, guesses, numbers

FLAT = [0.2] * 5


def test_coverage_and_width_of_four_by_hand() -> None:
    spans = [(1, 2), (2, 4), (2, 2), (4, 6)]
    figures = span_figures(answers_of([1, 1, 2, 5], [FLAT] * 4, spans=spans))

    assert figures is not None
    assert figures["promised"] == 0.9
    assert figures["coverage"] == pytest.approx(3 / 4)
    assert figures["mean_width"] == pytest.approx((2 + 3 + 1 + 3) / 4)
    assert figures["balanced_coverage"] == pytest.approx((1 / 2 + 1 + 1) / 3)
    assert figures["balanced_mean_width"] == pytest.approx((2.5 + 1 + 3) / 3)
    assert figures["width_shares"] == {"1": 0.25, "2": 0.25, "3": 0.5}
    assert figures["per_class"]["1"] == {"photographs": 2, "coverage": 0.5, "mean_width": 2.5}


def test_an_end_beyond_the_classes_means_any_number_there() -> None:
    answers = answers_of([0, 6, 9, 9, 3], [FLAT] * 5, spans=[(0, 1), (5, 6), (4, 6), (3, 5), (2, 4)])

    assert held(answers).tolist() == [True, True, True, False, True]
    assert reaches_out(answers).tolist() == [True, True, True, False, False]


def test_lines_without_intervals_have_no_such_figures() -> None:
    answers = answers_of([1], [FLAT])

    assert span_figures(answers) is None
    with pytest.raises(ValueError, match="no interval"):
        held(answers)


@given(st.integers(0, 50), st.integers(1, 60))
def test_coverage_is_a_share_and_the_order_of_rows_does_not_matter(seed: int, number: int) -> None:
    answers = guesses(seed, number, outside=False)
    figures = span_figures(answers)
    turned = span_figures(answers.where(np.arange(number)[::-1]))

    assert figures is not None
    assert 0 <= figures["coverage_interval"][0] <= figures["coverage"] <= figures["coverage_interval"][1] <= 1
    assert numbers(turned) == pytest.approx(numbers(figures))
