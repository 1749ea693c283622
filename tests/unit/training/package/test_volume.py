"""The fit of the volume's output: what it predicts, how sure it is, and how much verdicts should believe it."""

import numpy as np
import pytest
from binlab.package.volume import calibrated, fit_deviation, fit_head, residual_limits, volume_figures
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.training.evaluate.examples import guesses

RANDOM = np.random.default_rng(0)
MIX = RANDOM.normal(0, 1, 40)


def bins(number: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, 40), and log litres that are linear in them but for noise."""
    features = RANDOM.normal(0, 0.1, (number, 40))
    return features, 2 + features @ MIX + RANDOM.normal(0, noise, number)


def test_a_linear_relation_is_found() -> None:
    train, validation = bins(400, 0.05), bins(100, 0.05)
    head, _ = fit_head(*train, *validation)

    assert np.corrcoef(head.weights, MIX)[0, 1] > 0.99
    assert head(validation[0]) == pytest.approx(validation[1], abs=0.3)


def test_more_noise_is_penalised_more() -> None:
    penalties = [fit_head(*bins(60, noise), *bins(500, noise))[1] for noise in (0.01, 1.0)]

    assert penalties[0] < penalties[1]


@settings(max_examples=10)
@given(st.integers(0, 50), st.integers(19, 60))
def test_the_limits_hold_as_much_as_they_claim_on_average(seed: int, number: int) -> None:
    """The share of the next residuals that lies between the limits, over many draws of `number`."""
    draws = np.random.default_rng(seed).exponential(1, (200, number + 1)) - 1
    limits = [residual_limits(row[:-1], 0.9) for row in draws]
    held = [low <= row[-1] <= high for row, (low, high) in zip(draws, limits, strict=True)]

    assert np.mean(held) >= 0.9 - 0.08
    assert all(low <= 0 <= high for low, high in limits)


def test_a_deviation_that_follows_the_estimate_is_found() -> None:
    distances = RANDOM.uniform(-2, 2, 4_000)
    distances -= distances.mean()
    residuals = RANDOM.normal(0, 0.5 * np.exp(-0.2 * distances))

    assert fit_deviation(residuals, distances) == (pytest.approx(0.5, abs=0.03), pytest.approx(-0.2, abs=0.03))


def test_a_calibration_states_how_good_the_estimates_are() -> None:
    noise, predictions = 0.1, guesses(0, 200)
    predictions = predictions.where(predictions.counts > 0)
    logs = np.log(predictions.counts) + RANDOM.normal(1, 0.5, len(predictions))
    estimates = logs + RANDOM.normal(0, noise, len(predictions))
    found = calibrated(estimates, logs, predictions)
    figures = volume_figures(estimates, logs, found)

    assert found.log_sd == pytest.approx(noise, rel=0.1)
    assert found.volume_weight > 0.4
    assert figures["coverage"] == pytest.approx(0.91, abs=0.02)
    assert figures["r2"] > 0.9
