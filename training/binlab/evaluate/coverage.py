"""What is gained by answering only where the model is certain: risk against coverage.

Photographs are taken from the most certain on. Equal confidences are taken together, so that the order of the rows does
not matter.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def certain_first(confidence: Floats, right: npt.ArrayLike, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Of each confidence that occurs, the highest first: the confidence, and of all photographs that are at least as
    certain the share of the weight (coverage) and the weight of the right ones. `weights` (N,) sum to 1.
    """
    levels, place = np.unique(-confidence, return_inverse=True)
    covered = np.bincount(place, weights).cumsum()
    hits = np.bincount(place, weights * np.asarray(right, float)).cumsum()
    return -levels, covered, hits


def area(confidence: Floats, right: npt.ArrayLike, weights: Floats) -> float:
    """Area under the curve of risk (share wrong) against coverage: 0 is best (Geifman and El-Yaniv, 2017, 1705.08500).

    A model whose confidence says nothing has its overall share of wrong ones here.
    """
    _, covered, hits = certain_first(confidence, right, weights)
    return float(np.diff(covered, prepend=0.0) @ (1 - hits / covered))


def best_area(risk: float) -> float:
    """The area if every right photograph came before every wrong one, for an overall share `risk` of wrong ones."""
    return risk + (1 - risk) * float(np.log1p(-risk)) if risk < 1 else 1.0


def most_certain(share: float, confidence: Floats, right: npt.ArrayLike, weights: Floats) -> float:
    """The accuracy among the most certain `share` of the weight, 0 < share <= 1.

    Where the share ends among equally certain photographs, it takes the right and wrong ones of them in proportion.
    """
    _, covered, hits = certain_first(confidence, right, weights)
    return float(np.interp(share, np.append(0.0, covered), np.append(0.0, hits)) / min(share, covered[-1]))


def confidence_at(share: float, confidence: Floats, weights: Floats) -> float:
    """The least confidence among the most certain `share` of the weight."""
    levels, covered, _ = certain_first(confidence, np.zeros(len(confidence)), weights)
    return float(levels[min(int(np.searchsorted(covered, share - 1e-9)), len(levels) - 1)])
