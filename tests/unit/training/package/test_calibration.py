import math

import numpy as np
import pytest
from binlab.data.dataset import CLASSES
from binlab.package.calibration import (
    COVERAGE,
    calibrate,
    figures,
    fit_temperature,
    image_weights,
    known_to,
    log_loss,
)
from binlab.package.quantize import divergence
from binmodel.predict import counted, softmax

OUTSIDE = (0, *CLASSES, 6)


def images(number: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits (N, 7) of a calibrated model, and counts; about a tenth are out of range, some with 9 items."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (number, 7)).astype(np.float32)
    logits[:, [0, 6]] -= 1.5
    labels = (softmax(logits).cumsum(1) < random.random((number, 1))).sum(1).clip(max=6)
    return logits, np.where(labels == 6, random.choice([6, 9], number), labels)


def test_a_network_of_the_classes_alone_has_no_out_of_range_outputs() -> None:
    counts = np.array([0, 1, 5, 6, 9])

    assert known_to(CLASSES, counts).tolist() == [False, True, True, False, False]
    assert known_to(OUTSIDE, counts).all()


def test_classes_weigh_the_same_and_bins_out_of_range_as_much_as_they_are_frequent() -> None:
    weights = image_weights(np.array([1, 1, 1, 2, 0, 8, 8, 8]))

    assert weights == pytest.approx([1 / 12, 1 / 12, 1 / 12, 1 / 4, 1 / 8, 1 / 8, 1 / 8, 1 / 8])
    assert weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.2])
def test_the_true_temperature_is_recovered(temperature: float) -> None:
    logits, counts = images(4000)

    assert fit_temperature(logits * temperature, counts, OUTSIDE) == pytest.approx(temperature, rel=0.12)


def test_the_log_loss_of_two_photos_by_hand() -> None:
    logits = np.log([[0.1, 0.6, 0.1, 0.05, 0.05, 0.05, 0.05], [0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.3]])

    assert log_loss(logits, np.array([1, 7]), OUTSIDE, 1.0) == pytest.approx(-(math.log(0.6) + math.log(0.3)) / 2)


def test_the_calibration_holds_on_other_photos() -> None:
    calibration = calibrate(*images(3000), OUTSIDE, risk=0.25)
    found = figures(*images(3000, seed=1), OUTSIDE, calibration)

    assert found["conformal"]["coverage"] == pytest.approx(COVERAGE, abs=0.025)
    assert 1 < found["conformal"]["mean_width"] < 7
    assert found["most_confident_20"] > found["balanced_accuracy"]
    assert found["balanced_ece"] < 0.05
    logits, counts = images(3000, seed=1)
    probabilities = softmax(logits, calibration.temperature)  # outputs 0 to 6; 6 is any count from 6 on
    trusted = probabilities.max(1) >= calibration.confidence
    assert (counted(probabilities) != np.minimum(counts, 6))[trusted].mean() <= 0.25 + 0.02


def test_bins_out_of_range_are_measured_separately() -> None:
    logits, counts = images(2000)
    found = figures(logits, counts, OUTSIDE, calibrate(logits, counts, OUTSIDE, risk=0.25))

    assert found["images"] == np.isin(counts, CLASSES).sum()
    assert {name: each["images"] for name, each in found["out_of_range"].items()} == {
        "empty": (counts == 0).sum(),
        "over_range": (counts > 5).sum(),
    }
    assert found["out_of_range"]["empty"]["mean_confidence"] < 0.6


def test_a_network_of_the_classes_alone_can_hold_no_bin_out_of_range() -> None:
    logits, counts = images(2000)
    inside = np.isin(counts, CLASSES)
    calibration = calibrate(logits[:, 1:6], counts, CLASSES, risk=0.25)

    assert calibration.temperature == calibrate(logits[inside, 1:6], counts[inside], CLASSES, risk=0.25).temperature
    found = figures(logits[:, 1:6], counts, CLASSES, calibration)
    assert [each["coverage"] for each in found["out_of_range"].values()] == [0.0, 0.0]


def test_without_bins_out_of_range_none_is_measured_separately() -> None:
    logits, counts = images(500)
    inside = np.isin(counts, CLASSES)
    logits, counts = logits[inside], counts[inside]

    assert figures(logits, counts, OUTSIDE, calibrate(logits, counts, OUTSIDE, risk=0.25))["out_of_range"] == {}


def test_the_description_states_guarantee_and_assumptions() -> None:
    facts = calibrate(*images(300), OUTSIDE, risk=0.25).facts()

    assert facts["conformal"]["coverage"] == COVERAGE
    assert "exchangeable" in facts["conformal"]["assumes"]
    assert facts["abstain"]["risk"] == 0.25


def test_divergence_is_zero_between_equals_and_grows_with_distance() -> None:
    logits, counts = images(200)
    weights = image_weights(counts)
    near, far = (logits + scale * np.random.default_rng(1).normal(size=logits.shape) for scale in (0.1, 0.5))

    assert divergence(logits, logits, weights) == pytest.approx(0, abs=1e-12)
    assert 0 < divergence(logits, near, weights) < divergence(logits, far, weights)
    shifted = logits + 3  # the same probabilities
    assert divergence(logits, shifted, weights) == pytest.approx(0, abs=1e-6)
