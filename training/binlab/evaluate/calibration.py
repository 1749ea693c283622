"""Whether a stated confidence is the share that is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
BINS = 15  # of equal width, as most published figures use


@dataclass(frozen=True)
class Bin:
    """Photographs with a confidence in [low, high): their share of the weight, mean confidence, and share right.

    `photographs` is how many equally weighing ones would say as much (Kish's effective size).
    """

    low: float
    high: float
    share: float
    confidence: float
    right: float
    photographs: float


def reliability(confidence: Floats, right: npt.ArrayLike, weights: Floats, bins: int = BINS) -> list[Bin]:
    """The bins that hold photographs. `weights` (N,) sum to 1."""
    hit, place = np.asarray(right, float), _places(confidence, bins)
    return [
        Bin(
            low=number / bins,
            high=(number + 1) / bins,
            share=float(weights[inside].sum()),
            confidence=float(np.average(confidence[inside], weights=weights[inside])),
            right=float(np.average(hit[inside], weights=weights[inside])),
            photographs=float(weights[inside].sum() ** 2 / (weights[inside] ** 2).sum()),
        )
        for number in range(bins)
        if (inside := place == number).any()
    ]


def expected_error(found: list[Bin]) -> float:
    """Expected calibration error, 0 to 1: the mean gap between confidence and right (Guo et al., 2017, 1706.04599)."""
    return sum(each.share * abs(each.right - each.confidence) for each in found)


def error_by_chance(confidence: Floats, weights: Floats, bins: int = BINS) -> float:
    """The expected calibration error that a perfectly calibrated model shows on this many photographs, by noise alone.

    A bin's gap is then about normal with variance sum(w² c (1 - c)), and the mean of its size sqrt(2 / pi) times the
    deviation. An error near this figure can't be told from none.
    """
    place, variances = _places(confidence, bins), weights**2 * confidence * (1 - confidence)
    return float(sum(np.sqrt(2 / np.pi * variances[place == number].sum()) for number in range(bins)))


def _places(confidence: Floats, bins: int) -> npt.NDArray[np.int64]:
    return np.asarray(np.minimum((confidence * bins).astype(int), bins - 1))
