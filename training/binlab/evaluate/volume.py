"""What the photo's volume adds to the verdicts of orders, where the mean volume of an item is known.

`volume_odds` has the formula. Its exponents are fitted on validation images.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from binlab.evaluate.orders import Lines, Rules, auc, auc_within, lift_curve, order_lines
from binlab.evaluate.predictions import Predictions, Volumes
from binlab.evaluate.volume_odds import volume_odds

Floats = npt.NDArray[np.float64]

WEIGHTS = tuple(round(0.05 * step, 2) for step in range(41))
MIN_PROBABILITY = 1e-6


def with_weights(predictions: Predictions, volumes: Volumes, weights: tuple[float, float]) -> Predictions:
    """The predictions with these volumes, and other exponents of the likelihoods of count and volume."""
    return replace(predictions, volumes=replace(volumes, weights=weights))


def weighed_lines(predictions: Predictions, rules: Rules, item_logs: Floats) -> Lines:
    """The lines of `order_lines`, with odds that weigh the volume too. `item_logs` (N,) are log litres of one item."""
    lines = order_lines(predictions, rules)
    seen, items = predictions.where(lines.photo), item_logs[lines.photo]
    fewer, more = volume_odds(seen, items, lines.expected, rules.discrepancy_rate, rules.steps)
    return replace(lines, fewer=fewer, more=more)


def order_log_loss(lines: Lines) -> float:
    """Mean of -log(probability of what is true of a line): that the bin holds fewer, as many, or more than expected."""
    chances = np.select([lines.offset > 0, lines.offset < 0], [lines.fewer, lines.more], 1 - lines.risk)
    return float(-(lines.weight @ np.log(np.maximum(chances, MIN_PROBABILITY))))


def fit_weights(predictions: Predictions, estimates: Floats, logs: Floats, log_sd: Floats) -> tuple[float, float]:
    """The exponents a and b with the least log loss of altered orders, for images with known log litres (N,).

    Each in turn, over WEIGHTS, until neither changes: the loss is smooth.
    """
    item_logs = logs - np.log(predictions.counts)
    volumes = Volumes(estimates, log_sd, estimates, estimates, (1.0, 1.0))

    @cache
    def loss(a: float, b: float) -> float:
        return order_log_loss(weighed_lines(with_weights(predictions, volumes, (a, b)), Rules(), item_logs))

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
    return {
        name: _ranking(weighed_lines(with_weights(predictions, volumes, weights), rules, item_logs))
        for name, weights in sources.items()
    }


def _ranking(lines: Lines) -> dict[str, float]:
    curve = lift_curve(lines)
    return {
        "auc": auc(lines.risk, lines.wrong, lines.weight),
        "auc_within": auc_within(lines),
        "lift_10": curve[10] / 0.1,
        "lift_20": curve[20] / 0.2,
        "log_loss": order_log_loss(lines),
    }
