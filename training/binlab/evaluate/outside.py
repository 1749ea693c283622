"""What a model says of bins that hold none of its counts: empty ones, and ones with more than the last class."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from binlab.evaluate.answers import Answers, Mask
from binlab.evaluate.spans import held, reaches_out

CONFIDENT = (0.5, 0.8)
EDGES = tuple(np.linspace(0, 1, 21))  # of the histogram of confidence


def outside_figures(inside: Answers, outside: Answers | None) -> dict[str, Any] | None:
    """How sure a model is of a class, its intervals, and `empty` and `fuller` tell bins out of range from those in it.

    `auroc`: how probably a bin out of range has the higher score than one in range (0.5 is chance): of the score
    `empty` + `fuller` where the model knows them, and of 1 - the probability of the best class. None without such bins.
    """
    if outside is None:
        return None
    empty = outside.counts < outside.classes[0]
    parts = {
        "in_range": inside,
        "out_of_range": outside,
        "empty": outside.where(empty),
        "fuller": outside.where(~empty),
    }
    found = {"groups": {name: group_figures(part) for name, part in parts.items() if len(part)}}
    doubt = {"doubt": auroc(1 - outside.shares.max(1), 1 - inside.shares.max(1))}
    if knows_outside(outside) or knows_outside(inside):
        doubt["empty_and_fuller"] = auroc(outside.empty + outside.fuller, inside.empty + inside.fuller)
    return {**found, "auroc": doubt}


def knows_outside(answers: Answers) -> bool:
    """Whether the model has outputs for empty and fuller bins: without them both are 0 throughout."""
    return bool((answers.empty + answers.fuller).any())


def flagged(answers: Answers) -> Mask:
    """Whether the model holds it more probable than not that the bin is out of range."""
    return np.asarray(answers.empty + answers.fuller > 0.5)


def group_figures(answers: Answers) -> dict[str, Any]:
    """Of one group of photographs: how sure the model is of a class, the shares that are flagged, and so on."""
    confidence = answers.shares.max(1)
    figures: dict[str, Any] = {
        "photographs": len(answers),
        "mean_confidence": float(confidence.mean()),
        "confident": {str(least): float((confidence > least).mean()) for least in CONFIDENT},
        "confidence_shares": (np.histogram(confidence, EDGES)[0] / len(answers)).tolist(),
    }
    if knows_outside(answers):
        figures["flagged"] = float(flagged(answers).mean())
        figures["mean_empty"] = float(answers.empty.mean())
        figures["mean_fuller"] = float(answers.fuller.mean())
    if answers.spans is not None:
        figures["interval_reaches_out"] = float(reaches_out(answers).mean())
        figures["interval_holds_it"] = float(held(answers).mean())
    return figures


def auroc(higher: npt.ArrayLike, lower: npt.ArrayLike) -> float:
    """Area under the ROC curve: the probability that a score of `higher` is above one of `lower`, ties counting half.

    From ranks (Mann and Whitney, 1947).
    """
    one, other = np.asarray(higher, float), np.sort(np.asarray(lower, float))
    below = np.searchsorted(other, one, "left") + np.searchsorted(other, one, "right")
    return float(below.mean() / (2 * len(other)))
