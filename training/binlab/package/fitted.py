"""What is fitted on the validation photographs so that a model says how sure it is, and the figures of a model with it.

Logits are (N, outputs), and `outputs` the count that each stands for, one after the other; recorded counts are (N,).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from binmodel.predict import counted, in_range, softmax

from binlab.data.dataset import CLASSES
from binlab.evaluate.coverage import most_certain
from binlab.evaluate.metrics import class_weights, per_class, summary
from binlab.package.conformal import abstention, coverage_and_width, fit_mass, intervals
from binlab.train.prior import labels_of

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Logits = npt.NDArray[np.floating]
Outputs = tuple[int, ...]

COVERAGE = 0.9
MOST_CERTAIN = 0.2
LEVEL = 0.9
METHOD = (
    "ordinal adaptive intervals, grown from the most probable count until they hold more than `mass`; split conformal"
)
ASSUMES = (
    "each class as likely as the next, and photographs of a class exchangeable with the validation ones; "
    "on average over bins in range, not for each bin, class or site"
)


@dataclass(frozen=True)
class Fitted:
    """The temperature of the logits, the mass of intervals, and the confidence from which counts are trusted."""

    temperature: float
    mass: float
    confidence: float | None
    risk: float
    photographs: int

    def facts(self) -> dict[str, Any]:
        """For `model.json`."""
        return {
            "conformal": {
                "coverage": COVERAGE,
                "mass": self.mass,
                "photographs": self.photographs,
                "method": METHOD,
                "assumes": ASSUMES,
            },
            "abstain": {"confidence": self.confidence, "risk": self.risk, "level": LEVEL},
        }


def fit(logits: Logits, counts: Counts, outputs: Outputs, *, risk: float) -> Fitted:
    """Fit all on photographs that the model did not learn from. `risk` is the share of wrong counts to be trusted with.

    Photographs out of range take part where there are outputs for them, but for the mass, so that its coverage is that
    of bins in range. A count given for a bin out of range is a wrong one.
    """
    known = known_to(outputs, counts)
    temperature = fit_temperature(logits[known], counts[known], outputs)
    answers = Answered(logits, counts, outputs, temperature)
    inside = answers.inside
    mass = fit_mass(answers.over_outputs[inside], answers.labels[inside], coverage=COVERAGE)
    # Rounded up, which is the safe side: a score that was just covered stays so.
    mass = min(1.0, float(np.ceil(mass * 1e6) / 1e6))
    confidence = abstention(answers.confidence, answers.right, risk=risk, level=LEVEL)
    return Fitted(temperature, mass, confidence, risk, int(inside.sum()))


def fit_temperature(logits: Logits, counts: Counts, outputs: Outputs) -> float:
    """The temperature in 0.25..4 with the least log loss over all outputs (Guo et al., 2017, arXiv:1706.04599).

    The classes weigh the same, since the network's logits are those of a stream in which each is as likely as the next.
    Bins out of range weigh as much as they are frequent, together and each: that is what their probabilities mean, and
    with the weight of a class a few dozen photographs would decide how sure the model may be of the others.
    """
    grid = np.exp(np.linspace(np.log(0.25), np.log(4.0), 400))
    return round(float(min(grid, key=lambda temperature: log_loss(logits, counts, outputs, temperature))), 4)


def log_loss(logits: Logits, counts: Counts, outputs: Outputs, temperature: float) -> float:
    """Mean of -log(probability of the recorded count's output), with `photograph_weights`."""
    labels = labels_of(counts, outputs)
    chosen = softmax(logits, temperature)[np.arange(len(labels)), labels]
    return float(-(photograph_weights(counts) @ np.log(np.maximum(chosen, 1e-12))))


def known_to(outputs: Outputs, counts: Counts) -> npt.NDArray[np.bool_]:
    """Which photographs (N,) the network has an output for: without one for more than the last class, not those."""
    return (counts >= outputs[0]) & ((counts <= outputs[-1]) | (outputs[-1] > CLASSES[-1]))


def photograph_weights(counts: Counts) -> Floats:
    """Weights (N,) that sum to 1: classes the same among those in range, all others 1 / N each."""
    inside = np.isin(counts, CLASSES)
    weights = np.full(len(counts), 1 / len(counts))
    weights[inside] = class_weights(counts[inside], CLASSES) * inside.mean()
    return weights


class Answered:
    """What a model says of photographs with known counts, as serving would say it."""

    def __init__(self, logits: Logits, counts: Counts, outputs: Outputs, temperature: float) -> None:
        self.counts = counts
        self.labels = labels_of(counts, outputs)
        self.inside = np.isin(counts, CLASSES)
        self.over_outputs = softmax(logits, temperature)
        self.over_classes = softmax(in_range(logits, outputs, CLASSES), temperature)
        places = counted(self.over_classes)
        in_reach = in_range(self.over_outputs, outputs, CLASSES).sum(1)
        self.confidence = self.over_classes[np.arange(len(places)), places] * in_reach
        self.right = np.array(CLASSES)[places] == counts


def figures(logits: Logits, counts: Counts, outputs: Outputs, fitted: Fitted) -> dict[str, Any]:
    """`summary` and `per_class` of the photographs in range, and how good sureness is, in range and out of it."""
    answers = Answered(logits, counts, outputs, fitted.temperature)
    inside, recorded = answers.inside, counts[answers.inside]
    shares, weights = answers.over_classes[inside], class_weights(recorded, CLASSES)
    covered, width = coverage_and_width(answers.over_outputs[inside], answers.labels[inside], fitted.mass, weights)
    certain = most_certain(MOST_CERTAIN, answers.confidence[inside], answers.right[inside], weights)
    return {
        **summary(shares, recorded, CLASSES),
        "most_certain_20": certain,
        "conformal": {"coverage": covered, "mean_width": width},
        "per_class": per_class(shares, recorded, CLASSES),
        "out_of_range": {
            name: _out_of_range(answers, chosen, outputs, fitted.mass)
            for name, chosen in (("empty", counts < CLASSES[0]), ("fuller", counts > CLASSES[-1]))
            if chosen.any()
        },
    }


def _out_of_range(answers: Answered, chosen: npt.NDArray[np.bool_], outputs: Sequence[int], mass: float) -> Any:
    """Of empty, or of fuller bins: how sure the model is of a count from 1 to 5, and whether the interval warns."""
    first, last = intervals(answers.over_outputs[chosen], mass).T
    low, high = np.array(outputs)[first], np.array(outputs)[last]
    truth = np.clip(answers.counts[chosen], CLASSES[0] - 1, CLASSES[-1] + 1)
    return {
        "photographs": int(chosen.sum()),
        "mean_confidence": float(answers.confidence[chosen].mean()),
        "more_sure_than_not": float((answers.confidence[chosen] >= 0.5).mean()),
        "coverage": float(((low <= truth) & (truth <= high)).mean()),
        "mean_width": float((last - first + 1).mean()),
    }
