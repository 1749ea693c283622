"""New temperature, biases and intervals for a network that stays as it is, from what people counted at a site.

Vector scaling (Guo et al., 2017, arXiv:1706.04599) with one scale for all outputs: the probabilities are those of
softmax((logits + biases) / temperature). Biases are drawn to 0, as strongly as cross-validation asks for, so that few
labels change little.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from binlab.data.dataset import CLASSES, LabelledImage
from binlab.package.calibration import CalibratedImages, Calibration, calibrate, figures
from binlab.train.network import labels_of

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Outputs = tuple[int, ...]

LEAST_IMAGES, LEAST_OF_CLASS = 200, 20
PENALTIES = (10.0, 1.0, 0.1, 0.01, 0.001)  # of the squared biases; the first leaves them at about 0
FOLDS = 5
STEPS = 200
FIGURES = ("balanced_log_loss", "balanced_ece", "balanced_accuracy", "balanced_rmse_expected")


@dataclass(frozen=True)
class Recalibration:
    """`biases` are added to the logits, which `calibration.temperature` then divides. `penalty` drew them to 0."""

    biases: tuple[float, ...]
    calibration: Calibration
    penalty: float


def missing(counts: Counts) -> str:
    """Which labels are missing for a recalibration, as a sentence; "" if there are enough."""
    few = {count: int((counts == count).sum()) for count in CLASSES}
    few = {count: number for count, number in few.items() if number < LEAST_OF_CLASS}
    if len(counts) >= LEAST_IMAGES and not few:
        return ""
    parts = ", ".join(f"{number} of {LEAST_OF_CLASS} with {count}" for count, number in few.items())
    return f"There are {len(counts)} labels of the {LEAST_IMAGES} needed{f'; {parts}' if parts else ''}."


def fit_half(images: Sequence[LabelledImage]) -> Mask:
    """The images (N,) to fit on, about half of them; the others judge the result. A hash of the id decides."""
    return np.array([hashlib.sha256(image.id.encode()).digest()[0] % 2 == 0 for image in images])


def label_weights(counts: Counts, weights: Floats) -> Floats:
    """Weights (N,) that sum to 1: `weights` among images of one count, while classes weigh the same.

    The verdicts need probabilities for counts that are equally frequent, whatever is frequent at the site. Bins out of
    range keep their share.
    """
    found = weights / weights.sum()
    inside = np.isin(counts, CLASSES)
    share = found[inside].sum()
    present = [count for count in CLASSES if (counts == count).any()]
    for count in present:
        own = counts == count
        found[own] *= share / len(present) / found[own].sum()
    return np.asarray(found)


def recalibrate(logits: Floats, counts: Counts, weights: Floats, outputs: Outputs, *, risk: float) -> Recalibration:
    """Fit on labelled images: logits (N, outputs), recorded counts and selection weights (N,)."""
    labels, even = labels_of(counts, outputs), label_weights(counts, weights)
    folds = np.arange(len(counts)) % FOLDS

    def loss_of(penalty: float) -> float:
        losses = []
        for fold in range(FOLDS):
            held = folds == fold
            scale, biases = _fit(logits[~held], labels[~held], even[~held], penalty)
            losses.append(_loss(logits[held], labels[held], even[held], scale, biases))
        return float(np.mean(losses))

    penalty = min(PENALTIES, key=loss_of)
    scale, biases = _fit(logits, labels, even, penalty)
    moved = tuple(round(float(bias / scale), 4) for bias in biases)
    return Recalibration(moved, calibrate(logits + np.array(moved), counts, outputs, risk=risk), penalty)


def _fit(logits: Floats, labels: Counts, weights: Floats, penalty: float) -> tuple[float, Floats]:
    """Scale and biases with the least weighted log loss plus `penalty` times the squared biases. It is convex."""
    columns, targets = torch.from_numpy(logits.astype(np.float64)), torch.from_numpy(labels)
    even = torch.from_numpy(weights / weights.sum())
    scale = torch.ones(1, dtype=torch.float64, requires_grad=True)
    biases = torch.zeros(logits.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([scale, biases], max_iter=STEPS, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        each = torch.nn.functional.cross_entropy(columns * scale + biases, targets, reduction="none")
        loss = even @ each + penalty * (biases**2).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return float(scale.detach().clamp(min=0.25)), biases.detach().numpy()


def _loss(logits: Floats, labels: Counts, weights: Floats, scale: float, biases: Floats) -> float:
    scaled = torch.from_numpy(logits * scale + biases)
    each = torch.nn.functional.cross_entropy(scaled, torch.from_numpy(labels), reduction="none").numpy()
    return float(each @ (weights / weights.sum()))


def compared(
    old: Floats, logits: Floats, counts: Counts, outputs: Outputs, before: Calibration, after: Recalibration
) -> dict[str, dict[str, Any]]:
    """Figures of images that were not fitted on, with the old and the new calibration.

    `logits` (N, outputs) are the network's, `old` the same with the old biases.
    """
    pairs = {"before": (old, before), "after": (logits + np.array(after.biases), after.calibration)}
    return {name: _figures(rows, counts, outputs, calibration) for name, (rows, calibration) in pairs.items()}


def _figures(logits: Floats, counts: Counts, outputs: Outputs, calibration: Calibration) -> dict[str, Any]:
    found = figures(logits, counts, outputs, calibration)
    correct = CalibratedImages(logits, counts, outputs, calibration.temperature).correct
    conformal = {
        "interval_coverage": found["conformal"]["coverage"],
        "interval_width": found["conformal"]["mean_width"],
    }
    return {**{name: found[name] for name in FIGURES}, **conformal, "accuracy": float(correct.mean())}
