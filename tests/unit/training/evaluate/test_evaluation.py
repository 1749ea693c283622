import numpy as np
import pytest
from binlab.evaluate.evaluation import (
    auroc,
    confusion,
    covers,
    evaluation,
    interval_figures,
    out_of_range_figures,
    reaches_out_of_range,
)
from binlab.evaluate.orders import Rules
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.training.evaluate.examples import figures_of, guesses, numbers, predictions_of


def test_bins_out_of_range_are_in_no_figure_of_the_counts() -> None:
    predictions = guesses(3, 200)
    all_of_them, inside = figures_of(predictions), figures_of(predictions.where(predictions.in_range))

    for name in ("accuracy", "balanced_rmse_expected", "per_class", "calibration", "risk_coverage", "intervals"):
        assert all_of_them[name] == inside[name]
    assert inside["out_of_range"] is None
    assert all_of_them["confusion"]["recorded"] == [0, 1, 2, 3, 4, 5, 6]


def test_accuracy_is_that_of_the_served_count() -> None:
    """The second bin holds 2, which is the best of the classes, but the model says that it is empty."""
    predictions = predictions_of([1, 2], [[0.9, 0.1, 0], [0.1, 0.9, 0]], empty=[0.0, 0.8], over_range=[0.0, 0.0])
    figures = figures_of(predictions)

    assert (figures["accuracy"], figures["per_class"]["2"]["correct"]) == (0.5, 0.0)
    assert figures["accuracy_interval"][0] < figures["accuracy"] < figures["accuracy_interval"][1]
    assert figures["balanced_ece"] == pytest.approx(figures["calibration"]["balanced"]["ece"])
    assert figures["confusion"] == {
        "recorded": [1, 2], "counted": [0, 1, 2, 3], "classes": [1, 2, 3], "images": [[0, 1, 0, 0], [1, 0, 0, 0]],
    }  # fmt: skip


def test_confidence_limits_are_around_the_rates() -> None:
    figures = figures_of(guesses(3, 200))

    for name in ("accuracy", "balanced_accuracy"):
        low, high = figures[f"{name}_interval"]
        assert 0 < low < figures[name] < high < 1


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 9))
def test_the_order_of_the_photos_does_not_matter(seed: int) -> None:
    predictions = guesses(seed, 60)
    turned = predictions.where(np.random.default_rng(seed).permutation(len(predictions)))

    assert numbers(figures_of(turned)) == pytest.approx(numbers(figures_of(predictions)), abs=1e-9)


def test_the_confusion_of_five_by_hand() -> None:
    sure = np.eye(3)
    found = confusion(predictions_of([1, 1, 3, 0, 7], [sure[0], sure[1], sure[2], sure[0], sure[2]]))

    assert found["recorded"] == [0, 1, 3, 4]
    assert found["counted"] == [1, 2, 3]
    assert found["images"] == [[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 1]]


def test_without_photos_in_range_there_are_no_figures() -> None:
    with pytest.raises(ValueError, match="No photo"):
        evaluation(predictions_of([0], [[0.5, 0.5]]), np.array([1]), Rules())


# ---- Prediction intervals

FLAT = [0.2] * 5


def test_coverage_and_width_of_four_by_hand() -> None:
    intervals = [(1, 2), (2, 4), (2, 2), (4, 6)]
    figures = interval_figures(predictions_of([1, 1, 2, 5], [FLAT] * 4, intervals=intervals))

    assert figures is not None
    assert figures["nominal_coverage"] == 0.9
    assert figures["coverage"] == pytest.approx(3 / 4)
    assert figures["mean_width"] == pytest.approx((2 + 3 + 1 + 3) / 4)
    assert figures["balanced_coverage"] == pytest.approx((1 / 2 + 1 + 1) / 3)
    assert figures["balanced_mean_width"] == pytest.approx((2.5 + 1 + 3) / 3)
    assert figures["width_shares"] == {"1": 0.25, "2": 0.25, "3": 0.5}
    assert figures["per_class"]["1"] == {"images": 2, "coverage": 0.5, "mean_width": 2.5}


def test_an_end_beyond_the_classes_means_any_number_there() -> None:
    predictions = predictions_of([0, 6, 9, 9, 3], [FLAT] * 5, intervals=[(0, 1), (5, 6), (4, 6), (3, 5), (2, 4)])

    assert covers(predictions).tolist() == [True, True, True, False, True]
    assert reaches_out_of_range(predictions).tolist() == [True, True, True, False, False]


def test_lines_without_intervals_have_no_such_figures() -> None:
    predictions = predictions_of([1], [FLAT])

    assert interval_figures(predictions) is None
    with pytest.raises(ValueError, match="no interval"):
        covers(predictions)


@given(st.integers(0, 50), st.integers(1, 60))
def test_coverage_is_a_share_and_the_order_of_rows_does_not_matter(seed: int, number: int) -> None:
    predictions = guesses(seed, number, outside=False)
    figures = interval_figures(predictions)
    turned = interval_figures(predictions.where(np.arange(number)[::-1]))

    assert figures is not None
    assert 0 <= figures["coverage_interval"][0] <= figures["coverage"] <= figures["coverage_interval"][1] <= 1
    assert numbers(turned) == pytest.approx(numbers(figures))


# ---- Bins out of range

SCORES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=1, max_size=20)


def test_figures_of_each_group_by_hand() -> None:
    inside = predictions_of(
        [1, 2], [[0.9, 0.1], [0.4, 0.6]], empty=[0.1, 0], over_range=[0, 0.2], intervals=[(1, 1), (1, 2)]
    )
    outside = predictions_of(
        [0, 3], [[1, 0], [0.2, 0.8]], empty=[0.7, 0], over_range=[0, 0.25], intervals=[(0, 1), (1, 2)]
    )
    found = out_of_range_figures(inside, outside)

    assert found is not None
    assert list(found["groups"]) == ["in_range", "out_of_range", "empty", "over_range"]
    empty, over_range, within = (found["groups"][name] for name in ("empty", "over_range", "in_range"))
    assert within["mean_confidence"] == pytest.approx((0.81 + 0.48) / 2)
    assert within["confident"] == {"0.5": 0.5, "0.8": 0.5}
    assert (empty["images"], empty["mean_confidence"], empty["flagged"]) == pytest.approx((1, 0.3, 1))
    assert (empty["interval_reaches_out"], empty["interval_covers"]) == (1, 1)
    assert (over_range["mean_confidence"], over_range["flagged"], over_range["interval_reaches_out"]) == pytest.approx(
        (0.6, 0, 0)
    )
    assert found["auroc"]["empty_and_over_range"] == pytest.approx(1)
    assert found["auroc"]["low_confidence"] == pytest.approx((1 + 1 + 0 + 1) / 4)  # 0.7 and 0.4 against 0.19 and 0.52


def test_a_model_of_the_classes_alone_uses_its_confidence() -> None:
    found = out_of_range_figures(predictions_of([1], [[0.9, 0.1]]), predictions_of([0], [[0.8, 0.2]]))

    assert found is not None
    assert list(found["groups"]) == ["in_range", "out_of_range", "empty"]
    assert "flagged" not in found["groups"]["in_range"]
    assert found["auroc"] == {"low_confidence": 1}
    assert out_of_range_figures(predictions_of([1], [[0.9, 0.1]]), None) is None


@given(SCORES, SCORES)
def test_auroc_counts_pairs(higher: list[float], lower: list[float]) -> None:
    pairs = [1.0 if one > other else 0.5 if one == other else 0.0 for one in higher for other in lower]

    assert auroc(higher, lower) == pytest.approx(np.mean(pairs))
    assert auroc(lower, higher) == pytest.approx(1 - np.mean(pairs))


def test_the_histogram_of_confidence_is_whole() -> None:
    predictions = guesses(1, 80)
    found = out_of_range_figures(predictions.where(predictions.in_range), predictions.where(~predictions.in_range))

    assert found is not None
    assert all(sum(group["confidence_shares"]) == pytest.approx(1) for group in found["groups"].values())
