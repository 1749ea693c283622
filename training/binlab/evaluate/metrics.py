"""How good counts are. Every function takes probabilities (N, C) over `classes` and the recorded counts (N,)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from binmodel.predict import counted

from binlab.evaluate.calibration import expected_error, reliability

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def class_weights(counts: Counts, classes: tuple[int, ...]) -> Floats:
    """A weight for each photograph with which every class weighs the same; they sum to 1."""
    sizes = {count: int((counts == count).sum()) for count in classes}
    weights = np.array([1.0 / sizes[int(count)] for count in counts])
    return np.asarray(weights / weights.sum())


def even_weights(counts: Counts) -> Floats:
    """A weight for each photograph with which every photograph weighs the same; they sum to 1."""
    return np.full(len(counts), 1 / len(counts))


def error_figures(guess: npt.ArrayLike, expected: npt.ArrayLike, counts: Counts, weights: Floats) -> dict[str, float]:
    """How far the guesses (N,), and the expected values (N,), are from the records. `bias` is above 0 for too many."""
    error, distance = np.asarray(guess) - counts, np.asarray(expected) - counts
    return {
        "accuracy": float(weights @ (error == 0)),
        "within_one": float(weights @ (abs(error) <= 1)),
        "mae": float(weights @ abs(error)),
        "rmse_count": float(np.sqrt(weights @ error**2)),
        "rmse_expected": float(np.sqrt(weights @ distance**2)),
        "bias": float(weights @ error),
    }


def summary(probabilities: Floats, counts: Counts, classes: tuple[int, ...]) -> dict[str, float]:
    """The figures of a model: plain, and with every class weighing the same (`balanced_…`)."""
    places = counted(probabilities)
    guess, confidence = np.array(classes)[places], probabilities[np.arange(len(places)), places]
    found: dict[str, float] = {}
    for prefix, weights in (("", even_weights(counts)), ("balanced_", class_weights(counts, classes))):
        figures = error_figures(guess, probabilities @ np.array(classes), counts, weights)
        figures["ece"] = calibration_error(confidence, guess == counts, weights)
        found |= {prefix + name: value for name, value in figures.items()}
    return {
        **found,
        "balanced_log_loss": log_loss(probabilities, counts, classes),
        "photographs": len(counts),
    }


def per_class(probabilities: Floats, counts: Counts, classes: tuple[int, ...]) -> dict[str, dict[str, float]]:
    """For each recorded count: how many photographs, and the share guessed right, within one, and the mean guess."""
    guess = np.array(classes)[counted(probabilities)]
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


def rounded(figures: Any) -> Any:
    """Figures, nested or not, as a person reads them: with four decimals."""
    if isinstance(figures, dict):
        return {name: rounded(value) for name, value in figures.items()}
    if isinstance(figures, list | tuple):
        return [rounded(value) for value in figures]
    return round(figures, 4) if isinstance(figures, float) else figures


def log_loss(probabilities: Floats, counts: Counts, classes: tuple[int, ...]) -> float:
    """Mean of -log(probability of the recorded count), every class weighing the same."""
    chosen = probabilities[np.arange(len(counts)), np.searchsorted(classes, counts)]
    return float(-(class_weights(counts, classes) @ np.log(np.maximum(chosen, 1e-12))))


def calibration_error(confidence: Floats, right: npt.NDArray[np.bool_], weights: Floats) -> float:
    """Expected calibration error of the count's probability (N,)."""
    return expected_error(reliability(confidence, right, weights))
