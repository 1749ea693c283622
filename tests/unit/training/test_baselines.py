import numpy as np
import pytest
from binlab.evaluate.baselines import PUBLISHED, constants, guess_figures

CLASSES = (1, 2, 3)
COUNTS = np.array([1, 1, 1, 3])


def test_saying_one_number_of_every_bin() -> None:
    common, mean = constants(COUNTS, np.array([2, 2, 2, 1, 1, 1, 3, 2]), CLASSES)

    assert (common["name"], mean["name"]) == (
        "always 2, the most common count in training",
        "always 1.75, the mean count in training",
    )
    assert (common["accuracy"], common["within_one"], common["mae"]) == (0, 1, 1)
    assert common["bias"] == pytest.approx((1 + 1 + 1 - 1) / 4)
    assert mean["rmse_expected"] == pytest.approx(np.sqrt((3 * 0.75**2 + 1.25**2) / 4))
    assert mean["rmse_count"] == pytest.approx(1)


def test_every_class_weighs_the_same_in_balanced_figures() -> None:
    figures = guess_figures([1, 1, 2, 3], COUNTS, CLASSES)

    assert figures["accuracy"] == pytest.approx(3 / 4)
    assert figures["balanced_accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert figures["balanced_mae"] == pytest.approx((1 / 3 + 0) / 2)


def test_published_figures_name_their_source_and_their_classes() -> None:
    assert all(row["source"].startswith("https://") and row["classes"] in (5, 6) for row in PUBLISHED)
