import numpy as np
import pytest
from binlab.evaluate.metrics import (
    balanced_limits,
    best_risk_coverage_area,
    calibration_error_by_chance,
    class_weights,
    confidence_at,
    expected_calibration_error,
    most_confident_accuracy,
    per_class,
    reliability,
    risk_coverage,
    risk_coverage_area,
    summary,
    wilson_limits,
)
from hypothesis import given
from hypothesis import strategies as st

CLASSES = (1, 2, 3)
COUNTS = np.array([1, 1, 1, 3])  # three ones and a three: a three weighs as much as all ones together
PROBABILITIES = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.6, 0.2, 0.2], [0.5, 0.3, 0.2]])


def test_every_class_weighs_the_same() -> None:
    assert class_weights(COUNTS, CLASSES) == pytest.approx([1 / 6, 1 / 6, 1 / 6, 1 / 2])


def test_the_figures_of_four_photos_by_hand() -> None:
    figures = summary(PROBABILITIES, COUNTS, CLASSES)

    assert figures["images"] == 4
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


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    right = np.array([True, False, True, True])

    assert expected_calibration_error(reliability(probabilities.max(1), right, np.full(4, 0.25))) == pytest.approx(
        0.5 * 0.4 + 0.5 * 0.4
    )
    assert expected_calibration_error(reliability(np.array([1.0]), np.array([True]), np.ones(1))) == 0


def test_an_answer_out_of_range_is_wrong_in_range() -> None:
    answers = np.array([0, 1, 1, 4])
    figures = summary(PROBABILITIES, COUNTS, CLASSES, (answers, PROBABILITIES.max(1)))

    assert (figures["accuracy"], figures["within_one"]) == (2 / 4, 1)
    assert per_class(answers, COUNTS, CLASSES)["3"]["mean_prediction"] == 4


def test_figures_of_each_class() -> None:
    figures = per_class(np.array([1, 2, 1, 1]), COUNTS, CLASSES)

    assert list(figures) == ["1", "3"]
    assert figures["1"] == pytest.approx({"images": 3, "correct": 2 / 3, "within_one": 1.0, "mean_prediction": 4 / 3})
    assert figures["3"] == pytest.approx({"images": 1, "correct": 0.0, "within_one": 0.0, "mean_prediction": 1.0})


# ---- Confidence limits

SHARES = st.floats(0, 1)
SIZES = st.integers(1, 5000)


def test_confidence_limits_match_the_literature() -> None:
    """Newcombe, 1998, table I: 81 of 263, 15 of 148 and 0 of 20."""
    assert wilson_limits(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson_limits(15 / 148, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert wilson_limits(0, 20) == pytest.approx((0, 0.1611), abs=1e-4)
    assert wilson_limits(0.5, 0) == (0, 1)


def test_limits_of_two_classes_by_hand() -> None:
    low, high = wilson_limits(0.5, 40)
    narrow, wide = balanced_limits([(0.5, 40), (0.5, 40)])

    assert 0.5 - narrow == pytest.approx((0.5 - low) / 2**0.5)
    assert wide - 0.5 == pytest.approx((high - 0.5) / 2**0.5)


@given(st.lists(st.tuples(SHARES, SIZES), min_size=1, max_size=7), st.randoms())
def test_confidence_limits_contain_the_rate_stay_in_range_and_ignore_order(
    found: list[tuple[float, int]], random
) -> None:  # type: ignore[no-untyped-def]
    low, high = balanced_limits(found)
    mean = sum(share for share, _ in found) / len(found)
    shuffled = random.sample(found, len(found))

    assert 0 <= low <= mean + 1e-12
    assert mean - 1e-12 <= high <= 1
    assert balanced_limits(shuffled) == pytest.approx((low, high))


@given(SHARES, SIZES)
def test_one_class_has_the_limits_of_its_rate(share: float, images: int) -> None:
    assert balanced_limits([(share, images)]) == pytest.approx(wilson_limits(share, images))


@given(SHARES, SIZES)
def test_more_photos_narrow_the_limits(share: float, images: int) -> None:
    few, many = wilson_limits(share, images), wilson_limits(share, 4 * images)

    assert many[1] - many[0] < few[1] - few[0]


# ---- Calibration

CALIBRATED = st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.floats(0.1, 10)), min_size=1, max_size=60)


def calibrated_columns(rows: list[tuple[float, bool, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    confidence, right, weights = (np.array(column) for column in zip(*rows, strict=True))
    return confidence, right, weights / weights.sum()


def test_bins_of_four_photos_by_hand() -> None:
    confidence, right = np.array([0.1, 0.3, 0.9, 1.0]), np.array([False, True, True, True])
    low, high = reliability(confidence, right, np.array([0.1, 0.3, 0.3, 0.3]), bins=2)

    assert (low.low, low.high, high.low, high.high) == (0, 0.5, 0.5, 1)
    assert (low.share, low.confidence, low.correct) == pytest.approx((0.4, 0.25, 0.75))
    assert (high.share, high.confidence, high.correct) == pytest.approx((0.6, 0.95, 1.0))
    assert (low.images, high.images) == pytest.approx((0.4**2 / 0.1, 2))
    assert expected_calibration_error([low, high]) == pytest.approx(0.4 * 0.5 + 0.6 * 0.05)


@given(CALIBRATED)
def test_the_error_is_between_0_and_1_and_the_weights_sum_to_1(rows: list[tuple[float, bool, float]]) -> None:
    bins = reliability(*calibrated_columns(rows))

    assert 0 <= expected_calibration_error(bins) <= 1 + 1e-12
    assert sum(each.share for each in bins) == pytest.approx(1)


@given(CALIBRATED, st.randoms())
def test_the_order_of_the_rows_does_not_change_the_calibration_error(
    rows: list[tuple[float, bool, float]], random
) -> None:  # type: ignore[no-untyped-def]
    shuffled = random.sample(rows, len(rows))

    assert expected_calibration_error(reliability(*calibrated_columns(rows))) == pytest.approx(
        expected_calibration_error(reliability(*calibrated_columns(shuffled)))
    )


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 5)), min_size=1, max_size=8, unique_by=lambda each: each[0])
)
def test_a_calibrated_model_has_no_calibration_error(groups: list[tuple[int, int]]) -> None:
    """Groups of ten times `size` photos with a confidence of `tenths` tenths, and that many right."""
    rows = [(tenths / 10, place < tenths, 1.0) for tenths, size in groups for _ in range(size) for place in range(10)]

    assert expected_calibration_error(reliability(*calibrated_columns(rows))) == pytest.approx(0, abs=1e-9)


def test_noise_alone_gives_the_stated_error() -> None:
    random = np.random.default_rng(1)
    confidence, weights = random.uniform(0.2, 0.9, 400), np.full(400, 1 / 400)
    seen = [
        expected_calibration_error(reliability(confidence, random.random(400) < confidence, weights))
        for _ in range(200)
    ]

    assert calibration_error_by_chance(confidence, weights) == pytest.approx(np.mean(seen), rel=0.05)


# ---- Risk against coverage

CONFIDENCE = np.array([0.3, 0.9, 0.6, 0.6, 0.1])
RIGHT = np.array([False, True, True, False, False])
EVEN = np.full(5, 0.2)
RANKED = st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.7, 0.9]), st.booleans()), min_size=1, max_size=40)


def columns(rows: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    confidence, right = (np.array(column) for column in zip(*rows, strict=True))
    return confidence, right, np.full(len(rows), 1 / len(rows))


def test_the_most_certain_of_five_by_hand() -> None:
    levels, covered, hits = risk_coverage(CONFIDENCE, RIGHT, EVEN)

    assert levels.tolist() == [0.9, 0.6, 0.3, 0.1]
    assert covered == pytest.approx([0.2, 0.6, 0.8, 1])
    assert hits == pytest.approx([0.2, 0.4, 0.4, 0.4])
    assert most_confident_accuracy(0.2, CONFIDENCE, RIGHT, EVEN) == pytest.approx(1)
    assert most_confident_accuracy(0.4, CONFIDENCE, RIGHT, EVEN) == pytest.approx(1.5 / 2)  # one of two
    assert most_confident_accuracy(1, CONFIDENCE, RIGHT, EVEN) == pytest.approx(2 / 5)
    assert risk_coverage_area(CONFIDENCE, RIGHT, EVEN) == pytest.approx(
        0.2 * 0 + 0.4 * 1 / 3 + 0.2 * 1 / 2 + 0.2 * 3 / 5
    )
    assert [confidence_at(share, CONFIDENCE, EVEN) for share in (0.2, 0.4, 0.6, 1)] == [0.9, 0.6, 0.6, 0.1]


@given(RANKED, st.floats(0.01, 1))
def test_shares_stay_shares(rows: list[tuple[float, bool]], share: float) -> None:
    assert -1e-12 <= most_confident_accuracy(share, *columns(rows)) <= 1 + 1e-12
    assert -1e-12 <= risk_coverage_area(*columns(rows)) <= 1 + 1e-12


@given(RANKED)
def test_all_of_them_have_the_overall_accuracy(rows: list[tuple[float, bool]]) -> None:
    confidence, right, weights = columns(rows)

    assert most_confident_accuracy(1, confidence, right, weights) == pytest.approx(right.mean())


@given(RANKED, st.randoms())
def test_the_order_of_the_rows_does_not_matter(rows: list[tuple[float, bool]], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = random.sample(rows, len(rows))

    assert risk_coverage_area(*columns(rows)) == pytest.approx(risk_coverage_area(*columns(shuffled)))
    assert most_confident_accuracy(0.2, *columns(rows)) == pytest.approx(
        most_confident_accuracy(0.2, *columns(shuffled))
    )


def test_the_best_area_is_that_of_a_model_whose_errors_are_least_confident() -> None:
    right = np.arange(10_000) < 6_000

    found = risk_coverage_area(-np.arange(10_000.0), right, np.full(10_000, 1e-4))
    assert found == pytest.approx(best_risk_coverage_area(0.4), abs=1e-3)
    assert (best_risk_coverage_area(0.0), best_risk_coverage_area(1.0)) == (0, 1)


def test_an_uninformative_confidence_has_the_error_rate() -> None:
    assert risk_coverage_area(np.full(5, 0.5), RIGHT, EVEN) == pytest.approx(3 / 5)
