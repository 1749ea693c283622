"""Fit temperature, intervals and abstention threshold on the validation images, and measure a model with them.

Logits are (N, outputs); `outputs` are the counts that they stand for, in order; recorded counts are (N,).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from binmodel.predict import counted, in_range, softmax

from binlab.data.dataset import CLASSES
from binlab.evaluate.metrics import class_weights, most_confident_accuracy, per_class, summary
from binlab.package.conformal import abstention_threshold, coverage_and_width, fit_mass, intervals
from binlab.train.network import labels_of

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Logits = npt.NDArray[np.floating]
Outputs = tuple[int, ...]

COVERAGE = 0.9
CONFIDENT_SHARE = 0.2
LEVEL = 0.9
METHOD = "ordinal adaptive sets, grown from the most probable count until they hold more than `mass`; split conformal"
ASSUMES = (
    "every class equally likely, and images of a class exchangeable with the validation images of that class; "
    "on average over bins in range, not for each bin, class or site"
)


@dataclass(frozen=True)
class Calibration:
    """The temperature of the logits, the mass of intervals, and the confidence above which counts are trusted.

    `images` is how many the mass was fitted on.
    """

    temperature: float
    mass: float
    confidence: float | None
    risk: float
    images: int

    def facts(self) -> dict[str, Any]:
        """The sections of model.json."""
        return {
            "conformal": {
                "coverage": COVERAGE,
                "mass": self.mass,
                "images": self.images,
                "method": METHOD,
                "assumes": ASSUMES,
            },
            "abstain": {"confidence": self.confidence, "risk": self.risk, "level": LEVEL},
        }


def calibrate(logits: Logits, counts: Counts, outputs: Outputs, *, risk: float) -> Calibration:
    """Fit on images that the model did not learn from. `risk` is the share of wrong counts accepted as trusted.

    Images out of range take part if there are outputs for them, except in the mass: coverage is that of bins in range.
    For a bin out of range, only the answer "empty" or "more than the last class" is correct.
    """
    known = known_to(outputs, counts)
    temperature = fit_temperature(logits[known], counts[known], outputs)
    found = CalibratedImages(logits, counts, outputs, temperature)
    inside = found.inside
    mass = fit_mass(found.over_outputs[inside], found.labels[inside], coverage=COVERAGE)
    # Rounded up to six decimals: rounding down could uncover a count that was just covered.
    mass = min(1.0, float(np.ceil(mass * 1e6) / 1e6))
    confidence = abstention_threshold(found.confidence, found.correct, risk=risk, level=LEVEL)
    return Calibration(temperature, mass, confidence, risk, int(inside.sum()))


def fit_temperature(logits: Logits, counts: Counts, outputs: Outputs) -> float:
    """The temperature in 0.25..4 with the least log loss over all outputs (Guo et al., 2017, arXiv:1706.04599).

    Classes weigh the same, because the logits are those of a stream in which every class is equally likely. Bins out of
    range keep their frequency: with the weight of a class, a few dozen of them would decide the temperature of all.
    """
    # A grid, not an optimiser: the loss is smooth in one variable, and the result does not depend on a start.
    grid = np.exp(np.linspace(np.log(0.25), np.log(4.0), 400))
    return round(float(min(grid, key=lambda temperature: log_loss(logits, counts, outputs, temperature))), 4)


def log_loss(logits: Logits, counts: Counts, outputs: Outputs, temperature: float) -> float:
    """Mean of -log(probability of the recorded count's output), with `image_weights`."""
    labels = labels_of(counts, outputs)
    chosen = softmax(logits, temperature)[np.arange(len(labels)), labels]
    return float(-(image_weights(counts) @ np.log(np.maximum(chosen, 1e-12))))


def known_to(outputs: Outputs, counts: Counts) -> npt.NDArray[np.bool_]:
    """Which images (N,) the network has an output for."""
    return (counts >= outputs[0]) & ((counts <= outputs[-1]) | (outputs[-1] > CLASSES[-1]))


def image_weights(counts: Counts) -> Floats:
    """Weights (N,) that sum to 1: classes weigh the same among images in range, all other images 1 / N each."""
    inside = np.isin(counts, CLASSES)
    weights = np.full(len(counts), 1 / len(counts))
    weights[inside] = class_weights(counts[inside], CLASSES) * inside.mean()
    return weights


class CalibratedImages:
    """What a model with this temperature says of images with known counts, as serving would say it."""

    def __init__(self, logits: Logits, counts: Counts, outputs: Outputs, temperature: float) -> None:
        self.counts = counts
        self.labels = labels_of(counts, outputs)
        self.inside = np.isin(counts, CLASSES)
        self.over_outputs = softmax(logits, temperature)
        self.over_classes = softmax(in_range(logits, outputs, CLASSES), temperature)
        self.predicted = np.array(outputs)[counted(self.over_outputs)]
        self.confidence = self.over_outputs.max(1)
        self.correct = self.predicted == np.minimum(counts, CLASSES[-1] + 1)  # an answer of 6 means 6 or more
        self.class_confidence = in_range(self.over_outputs, outputs, CLASSES).max(1)


def figures(logits: Logits, counts: Counts, outputs: Outputs, calibration: Calibration) -> dict[str, Any]:
    """`summary` and `per_class` of images in range, coverage of intervals, and confidence in and out of range."""
    found = CalibratedImages(logits, counts, outputs, calibration.temperature)
    inside, recorded = found.inside, counts[found.inside]
    probabilities, weights = found.over_classes[inside], class_weights(recorded, CLASSES)
    covered, width = coverage_and_width(found.over_outputs[inside], found.labels[inside], calibration.mass, weights)
    confident = most_confident_accuracy(CONFIDENT_SHARE, found.confidence[inside], found.correct[inside], weights)
    return {
        **summary(probabilities, recorded, CLASSES, (found.predicted[inside], found.confidence[inside])),
        "most_confident_20": confident,
        "conformal": {"coverage": covered, "mean_width": width},
        "per_class": per_class(found.predicted[inside], recorded, CLASSES),
        "out_of_range": {
            name: _out_of_range(found, mask, outputs, calibration.mass)
            for name, mask in (("empty", counts < CLASSES[0]), ("over_range", counts > CLASSES[-1]))
            if mask.any()
        },
    }


def _out_of_range(
    found: CalibratedImages, mask: npt.NDArray[np.bool_], outputs: Sequence[int], mass: float
) -> dict[str, Any]:
    """Empty bins, or bins over the range: how many are named as such, confidence of a count in range, intervals."""
    first, last = intervals(found.over_outputs[mask], mass).T
    low, high = np.array(outputs)[first], np.array(outputs)[last]
    truth = np.clip(found.counts[mask], CLASSES[0] - 1, CLASSES[-1] + 1)
    return {
        "images": int(mask.sum()),
        "correct": float(found.correct[mask].mean()),
        "mean_confidence": float(found.class_confidence[mask].mean()),
        "confidence_over_half": float((found.class_confidence[mask] >= 0.5).mean()),
        "coverage": float(((low <= truth) & (truth <= high)).mean()),
        "mean_width": float((last - first + 1).mean()),
    }
