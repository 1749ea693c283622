"""What the photo's volume adds to the verdicts of orders, where the mean volume of an item is known.

The likelihood of n items is p_n^a N(log(n u); estimated log litres, sd)^b: `p_n` is the model's probability of n, `u`
the mean volume of the line's items, a and b are fitted on validation images.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from binlab.evaluate.orders import Rules, auc, auc_within, lift_curve, order_lines
from binlab.evaluate.predictions import Predictions, Volumes

Floats = npt.NDArray[np.float64]

WEIGHTS = tuple(round(0.05 * step, 2) for step in range(41))
NO_ITEM = 0.5  # items that an empty bin counts as: log(0) has no volume, and less than one item is what it looks like
MIN_PROBABILITY = 1e-6


def with_volume(
    predictions: Predictions, estimates: Floats, item_logs: Floats, log_sd: Floats, weights: tuple[float, float]
) -> Predictions:
    """The predictions (N,) with probabilities that weigh count and volume. The counts themselves stay.

    `estimates` are the log litres that the model sees, `log_sd` their standard deviations, `item_logs` the log litres
    of one item; all (N,).
    """
    numbers = np.array([NO_ITEM, *predictions.classes, predictions.classes[-1] + 1])
    outputs = np.column_stack([predictions.empty, predictions.class_probabilities, predictions.over_range])
    distance = (np.log(numbers) + item_logs[:, None] - estimates[:, None]) / log_sd[:, None]
    logs = (
        weights[0] * np.log(np.maximum(outputs, MIN_PROBABILITY)) - weights[1] * distance**2 / 2
    )  # N, but for a factor
    likelihoods = np.exp(logs - logs.max(1, keepdims=True))
    shares = likelihoods / likelihoods.sum(1, keepdims=True)
    inside = np.maximum(shares[:, 1:-1].sum(1, keepdims=True), MIN_PROBABILITY)
    return replace(
        predictions, probabilities=shares[:, 1:-1] / inside, empty=shares[:, 0], over_range=shares[:, -1]
    )  # fmt: skip


def order_log_loss(predictions: Predictions, rules: Rules) -> float:
    """Mean of -log(probability of what is true of a line): that the bin holds fewer, as many, or more than expected."""
    lines = order_lines(predictions, rules)
    chances = np.select([lines.offset > 0, lines.offset < 0], [lines.fewer, lines.more], 1 - lines.risk)
    return float(-(lines.weight @ np.log(np.maximum(chances, MIN_PROBABILITY))))


def fit_weights(predictions: Predictions, estimates: Floats, logs: Floats, log_sd: Floats) -> tuple[float, float]:
    """The exponents a and b with the least log loss of altered orders, for images with known log litres (N,).

    Each in turn, over WEIGHTS, until neither changes: the loss is smooth.
    """
    item_logs = logs - np.log(predictions.counts)

    @cache
    def loss(a: float, b: float) -> float:
        return order_log_loss(with_volume(predictions, estimates, item_logs, log_sd, (a, b)), Rules())

    before, found = (0.0, 0.0), (1.0, 1.0)
    while found != before:
        before = found
        best = min(WEIGHTS, key=lambda a: loss(a, before[1]))
        found = best, min(WEIGHTS, key=lambda b: loss(best, b))
    return found


def volume_evaluation(predictions: Predictions, truth: Floats, rules: Rules) -> dict[str, Any] | None:
    """How good the volumes are, and what they add to verdicts, on the images with known log litres.

    `truth` are the log litres (N,), NaN where unknown. None for a model without volumes, or without any image whose
    volume is known.
    """
    known = np.isfinite(truth)
    if predictions.volumes is None or not known.any():
        return None
    volumes, logs = predictions.volumes.where(known), truth[known]
    return {
        **estimate_figures(volumes.logs, logs, volumes.low, volumes.high),
        "orders": ablation(predictions.where(known), volumes, logs, rules),
    }


def estimate_figures(estimates: Floats, logs: Floats, low: Floats, high: Floats) -> dict[str, float]:
    """R2 of log litres, root mean square and mean of the errors, share of truths from `low` to `high`; all (N,)."""
    errors = estimates - logs
    return {
        "images": len(logs),
        "r2": 1 - float((errors**2).mean() / logs.var()) if logs.var() else 0.0,
        "log_sd": float(np.sqrt((errors**2).mean())),
        "log_bias": float(errors.mean()),
        "coverage": float(((low <= logs) & (logs <= high)).mean()),
    }


def ablation(predictions: Predictions, volumes: Volumes, logs: Floats, rules: Rules) -> dict[str, dict[str, float]]:
    """How well the count, the volume, and both find wrong orders.

    The volume of an item is the true volume by the true count: the warehouse knows its items.
    """
    item_logs = logs - np.log(predictions.counts)
    a, b = volumes.weights
    sources = {"count": (1.0, 0.0), "volume": (0.0, b), "both": (a, b)}
    weighed = {
        name: with_volume(predictions, volumes.logs, item_logs, volumes.log_sd, weights)
        for name, weights in sources.items()
    }
    return {name: _ranking(each, rules) for name, each in weighed.items()}


def _ranking(predictions: Predictions, rules: Rules) -> dict[str, float]:
    lines = order_lines(predictions, rules)
    curve = lift_curve(lines)
    return {
        "auc": auc(lines.risk, lines.wrong, lines.weight),
        "auc_within": auc_within(lines),
        "lift_10": curve[10] / 0.1,
        "lift_20": curve[20] / 0.2,
        "log_loss": order_log_loss(predictions, rules),
    }
