import math

import numpy as np
import pytest
from binlab.package.conformal import (
    abstention_threshold,
    binomial_tail,
    coverage_and_width,
    fit_mass,
    intervals,
    scores,
)
from hypothesis import given, settings
from hypothesis import strategies as st

OUTPUTS = 7
masses = st.floats(0, 1)


@st.composite
def rows(draw: st.DrawFn, least: int = 1) -> np.ndarray:
    """Probabilities (N, outputs), some of them 0 and some equal."""
    shares = st.lists(st.integers(0, 20), min_size=OUTPUTS, max_size=OUTPUTS).filter(any)
    found = np.array(draw(st.lists(shares, min_size=least, max_size=30)), dtype=float)
    return found / found.sum(1, keepdims=True)


def exchangeable(random: np.random.Generator, frequencies: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn with these frequencies, and probabilities of a model that is right more often than not."""
    labels = random.choice(len(frequencies), number, p=frequencies)
    logits = random.normal(0, 1, (number, len(frequencies))) - 0.8 * abs(labels[:, None] - np.arange(len(frequencies)))
    exponents = np.exp(logits)
    return exponents / exponents.sum(1, keepdims=True), labels


# ---- Intervals


@given(rows(), masses, st.data())
def test_an_interval_contains_a_label_exactly_if_its_score_is_within_the_mass(
    probabilities: np.ndarray, mass: float, data: st.DataObject
) -> None:
    number = len(probabilities)
    labels = np.array(data.draw(st.lists(st.integers(0, OUTPUTS - 1), min_size=number, max_size=number)))
    first, last = intervals(probabilities, mass).T

    assert (((first <= labels) & (labels <= last)) == (scores(probabilities, labels) <= mass)).all()


@given(rows(), masses, masses)
def test_a_larger_mass_never_removes_a_count(probabilities: np.ndarray, one: float, other: float) -> None:
    inner, outer = (intervals(probabilities, mass) for mass in sorted((one, other)))

    assert (outer[:, 0] <= inner[:, 0]).all()
    assert (inner[:, 1] <= outer[:, 1]).all()


def test_the_whole_range_contains_everything() -> None:
    probabilities, labels = exchangeable(np.random.default_rng(0), np.full(OUTPUTS, 1 / OUTPUTS), 50)

    assert coverage_and_width(probabilities, labels, 1.0) == (1.0, OUTPUTS)


def test_coverage_and_width_by_hand() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])

    assert coverage_and_width(probabilities, np.array([0, 0]), 0.65) == (0.5, 1.5)
    assert coverage_and_width(probabilities, np.array([0, 0]), 0.65, np.array([3.0, 1.0])) == (0.75, 1.25)


# ---- The mass


@pytest.mark.parametrize(("number", "place"), [(9, 9), (19, 18), (99, 90)])
def test_with_one_class_the_mass_is_the_usual_quantile(number: int, place: int) -> None:
    """ceil((n + 1) coverage) of the scores are at most the mass."""
    held = np.linspace(0.5, 0.99, number)
    probabilities = np.stack([held, 1 - held], 1)

    assert fit_mass(probabilities, np.ones(number, int), coverage=0.9) == pytest.approx(np.sort(held)[place - 1])


@pytest.mark.parametrize("number", [1, 8])
def test_too_few_photos_guarantee_only_the_whole_range(number: int) -> None:
    probabilities = np.tile([0.9, 0.1], (number, 1))

    assert fit_mass(probabilities, np.zeros(number, int), coverage=0.9) == 1.0


@settings(max_examples=50)
@given(rows(least=10), st.floats(0.3, 0.9), st.data())
def test_coverage_on_the_calibration_data_is_at_least_the_target(
    probabilities: np.ndarray, coverage: float, data: st.DataObject
) -> None:
    labels = np.array([data.draw(st.integers(0, OUTPUTS - 1)) for _ in probabilities])
    mass = fit_mass(probabilities, labels, coverage=coverage)
    sizes = np.bincount(labels, minlength=OUTPUTS)
    weights = 1 / sizes[labels]

    assert coverage_and_width(probabilities, labels, mass, weights)[0] >= coverage - 1e-9


@pytest.mark.parametrize("frequencies", [[0.2, 0.2, 0.2, 0.2, 0.2], [0.05, 0.1, 0.15, 0.3, 0.4]])
def test_coverage_on_new_photos_meets_the_guarantee(frequencies: list[float]) -> None:
    """Fitted on classes as they come, measured on classes that weigh the same: as guaranteed, and hardly more."""
    random, found = np.random.default_rng(1), []
    for _ in range(150):
        fitted = exchangeable(random, np.array(frequencies), 250)
        coming = exchangeable(random, np.full(5, 0.2), 250)
        found.append(coverage_and_width(*coming, fit_mass(*fitted, coverage=0.9))[0])
    error = np.std(found) / math.sqrt(len(found))

    assert 0.9 - 3 * error <= np.mean(found) <= 0.9 + 0.035 + 3 * error


def test_the_guarantee_holds_for_a_useless_model() -> None:
    """The guarantee needs no good probabilities: a model that is sure of the wrong count has wide intervals."""
    random = np.random.default_rng(2)
    labels = random.integers(0, 5, 2000)
    probabilities = np.full((2000, 5), 0.01) + 0.95 * np.eye(5)[(labels + 2) % 5]
    mass = fit_mass(probabilities[:1000], labels[:1000], coverage=0.9)
    coverage, width = coverage_and_width(probabilities[1000:], labels[1000:], mass)

    assert coverage >= 0.88
    assert width > 3


# ---- Abstention


@given(st.integers(0, 40), st.floats(0.01, 0.99), st.data())
def test_the_binomial_tail_is_a_sum_of_probabilities(trials: int, chance: float, data: st.DataObject) -> None:
    most = data.draw(st.integers(0, trials))
    exact = sum(math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(most + 1))

    assert binomial_tail(most, trials, chance) == pytest.approx(exact, rel=1e-9)


def test_without_trials_the_bound_is_one() -> None:
    assert binomial_tail(0, 0, 0.5) == 1.0
    assert abstention_threshold(np.array([]), np.array([], bool), risk=0.25, level=0.9) is None


def test_a_model_that_is_never_right_is_never_trusted() -> None:
    assert abstention_threshold(np.full(500, 0.95), np.zeros(500, bool), risk=0.25, level=0.9) is None


def test_a_model_that_is_always_right_is_trusted_down_to_its_least_confidence() -> None:
    confidence = np.linspace(0.3, 1.0, 500)

    found = abstention_threshold(confidence, np.ones(500, bool), risk=0.25, level=0.9)

    assert found is not None
    assert found <= 0.3


def test_the_error_among_trusted_counts_meets_the_guarantee() -> None:
    """On calibrated synthetic counts: the true risk above the threshold exceeds 0.25 in no more than 1 of 10 draws."""
    random = np.random.default_rng(3)
    exceeded, trusted = 0, 0
    for _ in range(200):
        confidence = random.uniform(0.2, 1.0, 400)
        threshold = abstention_threshold(confidence, random.random(400) < confidence, risk=0.25, level=0.9)
        if threshold is not None:
            trusted += 1
            exceeded += 1 - (threshold + 1.0) / 2 > 0.25  # confidence is uniform, so this is the mean risk above it
    error = math.sqrt(0.1 * 0.9 / 200)

    assert trusted > 150
    assert exceeded / 200 <= 0.1 + 3 * error
