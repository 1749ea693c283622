"""How good counts and confidences are: errors, confidence limits, calibration, and accuracy of the most confident.

`probabilities` are (N, C) over `classes`; recorded counts, confidences and weights are (N,). Weights sum to 1: even
ones weigh every image the same, class weights every class. Figures with class weights are called `balanced_`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from binmodel.predict import counted

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

BINS = 15  # of equal width, as in most published figures
Z = 1.959964  # 97.5th percentile of the normal distribution: two-sided 95%
LIMITS_METHOD = "Wilson score interval; for balanced shares, the class intervals combined by MOVER"


def even_weights(counts: Counts) -> Floats:
    return np.full(len(counts), 1 / len(counts))


def class_weights(counts: Counts, classes: tuple[int, ...]) -> Floats:
    sizes = {count: int((counts == count).sum()) for count in classes}
    weights = np.array([1.0 / sizes[int(count)] for count in counts])
    return np.asarray(weights / weights.sum())


def error_figures(
    predicted: npt.ArrayLike, expected: npt.ArrayLike, counts: Counts, weights: Floats
) -> dict[str, float]:
    """How far predicted counts and expected values are from the record. A `bias` above 0 means too many."""
    error, distance = np.asarray(predicted) - counts, np.asarray(expected) - counts
    return {
        "accuracy": float(weights @ (error == 0)),
        "within_one": float(weights @ (abs(error) <= 1)),
        "mae": float(weights @ abs(error)),
        "rmse_count": float(np.sqrt(weights @ error**2)),
        "rmse_expected": float(np.sqrt(weights @ distance**2)),
        "bias": float(weights @ error),
    }


def summary(
    probabilities: Floats, counts: Counts, classes: tuple[int, ...], served: tuple[Counts, Floats] | None = None
) -> dict[str, float]:
    """The main figures of a model, plain and balanced.

    `served` are the counts and confidences that prediction lines give, which may be out of range; without them, the
    most probable class counts.
    """
    places = counted(probabilities)
    predicted, confidence = served or (np.array(classes)[places], probabilities.max(1))
    found: dict[str, float] = {}
    for prefix, weights in (("", even_weights(counts)), ("balanced_", class_weights(counts, classes))):
        figures = error_figures(predicted, probabilities @ np.array(classes), counts, weights)
        figures["ece"] = expected_calibration_error(reliability(confidence, predicted == counts, weights))
        found |= {prefix + name: value for name, value in figures.items()}
    return {**found, "balanced_log_loss": log_loss(probabilities, counts, classes), "images": len(counts)}


def per_class(predicted: Counts, counts: Counts, classes: tuple[int, ...]) -> dict[str, dict[str, float]]:
    """For each recorded count: how many images, the share correct and within one, and the mean prediction."""
    return {
        str(count): {
            "images": int(own.sum()),
            "correct": float((predicted[own] == count).mean()),
            "within_one": float((abs(predicted[own] - count) <= 1).mean()),
            "mean_prediction": float(predicted[own].mean()),
        }
        for count in classes
        if (own := counts == count).any()
    }


def log_loss(probabilities: Floats, counts: Counts, classes: tuple[int, ...]) -> float:
    """Balanced mean of -log(probability of the recorded count)."""
    chosen = probabilities[np.arange(len(counts)), np.searchsorted(classes, counts)]
    # Clipped: one image with probability 0 would make the mean infinite and hide all others.
    return float(-(class_weights(counts, classes) @ np.log(np.maximum(chosen, 1e-12))))


def rounded(figures: Any) -> Any:
    """Figures, nested or not, with four decimals."""
    if isinstance(figures, dict):
        return {name: rounded(value) for name, value in figures.items()}
    if isinstance(figures, list | tuple):
        return [rounded(value) for value in figures]
    return round(figures, 4) if isinstance(figures, float) else figures


# ---- Confidence limits of a share: 95%, images taken as independent


def wilson_limits(share: float, images: float) -> tuple[float, float]:
    """Limits of a share measured on `images` (Wilson, 1927); (0, 1) without any.

    Unlike the normal approximation they stay within 0..1 and keep a width at 0% and 100%.
    """
    if images == 0:
        return 0.0, 1.0
    spread = Z * sqrt(share * (1 - share) / images + Z**2 / (4 * images**2))
    scale = 1 + Z**2 / images
    centre = share + Z**2 / (2 * images)
    return max(0.0, min(share, (centre - spread) / scale)), min(1.0, max(share, (centre + spread) / scale))


def balanced_limits(shares: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Limits of the mean over classes, from `(share, images)` of each.

    MOVER: Wilson limits of the classes, combined as independent errors (Zou and Donner, 2008, Statistics in Medicine
    27:1693). Unlike resampling it needs no seed, and a class with every image correct still has a width.
    """
    found = [(share, *wilson_limits(share, images)) for share, images in shares]
    mean = float(np.mean([share for share, _, _ in found]))
    below = sqrt(sum((share - low) ** 2 for share, low, _ in found)) / len(found)
    above = sqrt(sum((high - share) ** 2 for share, _, high in found)) / len(found)
    return max(0.0, mean - below), min(1.0, mean + above)


# ---- Calibration: is a stated confidence the share that is correct?


@dataclass(frozen=True)
class ReliabilityBin:
    """Images with a confidence in [low, high): their share of the weight, mean confidence, and share correct.

    `images` is Kish's effective sample size: how many equally weighted images would say as much.
    """

    low: float
    high: float
    share: float
    confidence: float
    correct: float
    images: float


def reliability(confidence: Floats, correct: npt.ArrayLike, weights: Floats, bins: int = BINS) -> list[ReliabilityBin]:
    """The bins that hold at least one image."""
    hit, place = np.asarray(correct, float), _bin_of(confidence, bins)
    return [
        ReliabilityBin(
            low=number / bins,
            high=(number + 1) / bins,
            share=float(weights[inside].sum()),
            confidence=float(np.average(confidence[inside], weights=weights[inside])),
            correct=float(np.average(hit[inside], weights=weights[inside])),
            images=float(weights[inside].sum() ** 2 / (weights[inside] ** 2).sum()),
        )
        for number in range(bins)
        if (inside := place == number).any()
    ]


def expected_calibration_error(found: list[ReliabilityBin]) -> float:
    """ECE, 0 to 1: the mean gap between confidence and accuracy (Guo et al., 2017, arXiv:1706.04599)."""
    return sum(each.share * abs(each.correct - each.confidence) for each in found)


def calibration_error_by_chance(confidence: Floats, weights: Floats, bins: int = BINS) -> float:
    """The ECE that a perfectly calibrated model would show on so few images, from sampling noise alone.

    The gap of a bin is then about normal with variance sum(w² c (1 - c)); the mean of |gap| is sqrt(2 / pi) times its
    deviation. An ECE near this value is indistinguishable from 0.
    """
    place, variances = _bin_of(confidence, bins), weights**2 * confidence * (1 - confidence)
    return float(sum(np.sqrt(2 / np.pi * variances[place == number].sum()) for number in range(bins)))


def _bin_of(confidence: Floats, bins: int) -> npt.NDArray[np.int64]:
    return np.asarray(np.minimum((confidence * bins).astype(int), bins - 1))  # 1.0 belongs to the last bin


# ---- Risk against coverage: how accurate is the model if it answers only the most confident images?


def risk_coverage(confidence: Floats, correct: npt.ArrayLike, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Each distinct confidence, highest first; the weight of the images at least as confident; the correct part of it.

    Equal confidences are one step, so the order of the rows does not matter.
    """
    levels, place = np.unique(-confidence, return_inverse=True)
    covered = np.bincount(place, weights).cumsum()
    hits = np.bincount(place, weights * np.asarray(correct, float)).cumsum()
    return -levels, covered, hits


def risk_coverage_area(confidence: Floats, correct: npt.ArrayLike, weights: Floats) -> float:
    """Area under share wrong against coverage (Geifman and El-Yaniv, 2017, arXiv:1705.08500): 0 is best.

    An uninformative confidence gives the overall share of wrong counts.
    """
    _, covered, hits = risk_coverage(confidence, correct, weights)
    return float(np.diff(covered, prepend=0.0) @ (1 - hits / covered))


def best_risk_coverage_area(risk: float) -> float:
    """The area if every correct image ranked above every wrong one, with an overall share `risk` wrong."""
    return risk + (1 - risk) * float(np.log1p(-risk)) if risk < 1 else 1.0


def most_confident_accuracy(share: float, confidence: Floats, correct: npt.ArrayLike, weights: Floats) -> float:
    """Accuracy among the most confident `share` of the weight, 0 < share <= 1.

    If the share ends within a group of equal confidence, it takes correct and wrong ones in proportion.
    """
    _, covered, hits = risk_coverage(confidence, correct, weights)
    return float(np.interp(share, np.append(0.0, covered), np.append(0.0, hits)) / min(share, covered[-1]))


def confidence_at(share: float, confidence: Floats, weights: Floats) -> float:
    """The lowest confidence among the most confident `share` of the weight."""
    levels, covered, _ = risk_coverage(confidence, np.zeros(len(confidence)), weights)
    # 1e-9: cumulated weights may miss an exact share by a rounding error.
    return float(levels[min(int(np.searchsorted(covered, share - 1e-9)), len(levels) - 1)])
