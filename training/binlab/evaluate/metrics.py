"""How good counts are. Every function takes probabilities (N, C) over `classes` and the recorded counts (N,)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from binmodel.predict import softmax

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def class_weights(counts: Counts, classes: tuple[int, ...]) -> Floats:
    """A weight for each photograph with which every class weighs the same; they sum to 1."""
    sizes = {count: int((counts == count).sum()) for count in classes}
    weights = np.array([1.0 / sizes[int(count)] for count in counts])
    return np.asarray(weights / weights.sum())


def summary(probabilities: Floats, counts: Counts, classes: tuple[int, ...]) -> dict[str, float]:
    """The figures of a model: plain, and with every class weighing the same (`balanced_…`)."""
    values = np.array(classes)
    guess = values[probabilities.argmax(1)]
    expected = probabilities @ values
    weights = class_weights(counts, classes)
    return {
        "accuracy": float((guess == counts).mean()),
        "balanced_accuracy": float(weights @ (guess == counts)),
        "balanced_within_one": float(weights @ (abs(guess - counts) <= 1)),
        "balanced_rmse_count": float(np.sqrt(weights @ (guess - counts) ** 2)),
        "balanced_rmse_expected": float(np.sqrt(weights @ (expected - counts) ** 2)),
        "balanced_mae": float(weights @ abs(guess - counts)),
        "balanced_ece": calibration_error(probabilities, guess == counts, weights),
        "balanced_log_loss": log_loss(probabilities, counts, classes),
        "photographs": len(counts),
    }


def per_class(probabilities: Floats, counts: Counts, classes: tuple[int, ...]) -> dict[str, dict[str, float]]:
    """For each recorded count: how many photographs, and the share guessed right, within one, and the mean guess."""
    guess = np.array(classes)[probabilities.argmax(1)]
    return {
        str(count): {
            "photographs": int((counts == count).sum()),
            "right": float((guess[counts == count] == count).mean()),
            "within_one": float((abs(guess[counts == count] - count) <= 1).mean()),
            "mean_guess": float(guess[counts == count].mean()),
        }
        for count in classes
        if (counts == count).any()
    }


def report(
    logits: npt.NDArray[np.floating], counts: Counts, classes: tuple[int, ...], temperature: float
) -> dict[str, Any]:
    """`summary`, and under `per_class` the figures of each class, of logits (N, C)."""
    probabilities = softmax(logits, temperature)
    return {**summary(probabilities, counts, classes), "per_class": per_class(probabilities, counts, classes)}


def rounded(figures: Any) -> Any:
    """Figures, nested or not, as a person reads them: with four decimals."""
    if isinstance(figures, dict):
        return {name: rounded(value) for name, value in figures.items()}
    return round(figures, 4) if isinstance(figures, float) else figures


def log_loss(probabilities: Floats, counts: Counts, classes: tuple[int, ...]) -> float:
    """Mean of -log(probability of the recorded count), every class weighing the same."""
    chosen = probabilities[np.arange(len(counts)), np.searchsorted(classes, counts)]
    return float(-(class_weights(counts, classes) @ np.log(np.maximum(chosen, 1e-12))))


def calibration_error(probabilities: Floats, right: npt.NDArray[np.bool_], weights: Floats, bins: int = 15) -> float:
    """Expected calibration error of the top probability over equal-width bins (Guo et al., 2017, arXiv:1706.04599)."""
    confidence = probabilities.max(1)
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(float(weights[place == b] @ (right[place == b] - confidence[place == b]))) for b in range(bins)]
    return float(sum(gaps))


def fit_temperature(logits: npt.NDArray[np.floating], counts: Counts, classes: tuple[int, ...]) -> float:
    """The temperature in 0.25..4 with the least class-balanced log loss (temperature scaling; Guo et al., 2017)."""
    grid = np.exp(np.linspace(np.log(0.25), np.log(4.0), 400))
    return float(min(grid, key=lambda temperature: log_loss(softmax(logits, temperature), counts, classes)))
