import numpy as np
import pytest
from binlab.evaluate.metrics import (
    calibration_error,
    class_weights,
    per_class,
    summary,
)

CLASSES = (1, 2, 3)
COUNTS = np.array([1, 1, 1, 3])  # three ones and a three: a three weighs as much as all ones together
PROBABILITIES = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.6, 0.2, 0.2], [0.5, 0.3, 0.2]])


def test_every_class_weighs_the_same() -> None:
    assert class_weights(COUNTS, CLASSES) == pytest.approx([1 / 6, 1 / 6, 1 / 6, 1 / 2])


def test_the_figures_of_four_photographs_by_hand() -> None:
    figures = summary(PROBABILITIES, COUNTS, CLASSES)

    assert figures["photographs"] == 4
    assert figures["accuracy"] == pytest.approx(2 / 4)
    assert figures["balanced_accuracy"] == pytest.approx((2 / 3 + 0) / 2)
    assert figures["balanced_within_one"] == pytest.approx((1 + 0) / 2)
    assert figures["balanced_mae"] == pytest.approx((1 / 3 + 2) / 2)
    assert figures["balanced_rmse_count"] == pytest.approx(np.sqrt((1 / 3 + 4) / 2))
    squares = (np.array([1.3, 1.9, 1.6, 1.7]) - COUNTS) ** 2
    assert figures["balanced_rmse_expected"] == pytest.approx(np.sqrt((squares[:3].mean() + squares[3]) / 2))
    assert (figures["within_one"], figures["mae"]) == pytest.approx((3 / 4, 3 / 4))
    assert (figures["bias"], figures["balanced_bias"]) == pytest.approx((-1 / 4, (1 / 3 - 2) / 2))
    assert figures["rmse_count"] == pytest.approx(np.sqrt((1 + 4) / 4))
    assert figures["rmse_expected"] == pytest.approx(np.sqrt(squares.mean()))
    assert figures["balanced_log_loss"] == pytest.approx(-(np.log([0.8, 0.2, 0.6]).mean() + np.log(0.2)) / 2)


def test_calibration_error_is_the_gap_between_confidence_and_being_right() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    right = np.array([True, False, True, True])

    assert calibration_error(probabilities.max(1), right, np.full(4, 0.25)) == pytest.approx(0.5 * 0.4 + 0.5 * 0.4)
    assert calibration_error(np.array([1.0]), np.array([True]), np.ones(1)) == 0


def test_figures_of_each_class() -> None:
    figures = per_class(PROBABILITIES, COUNTS, CLASSES)

    assert list(figures) == ["1", "3"]
    assert figures["1"] == pytest.approx({"photographs": 3, "right": 2 / 3, "within_one": 1.0, "mean_guess": 4 / 3})
    assert figures["3"] == pytest.approx({"photographs": 1, "right": 0.0, "within_one": 0.0, "mean_guess": 1.0})
