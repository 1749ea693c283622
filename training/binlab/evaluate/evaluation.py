"""Every figure that is reported of a model on one split: counts, calibration, intervals, bins out of range, orders."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from binlab.evaluate.baselines import PUBLISHED, constants
from binlab.evaluate.metrics import (
    LIMITS_METHOD,
    balanced_limits,
    best_risk_coverage_area,
    calibration_error_by_chance,
    class_weights,
    confidence_at,
    even_weights,
    expected_calibration_error,
    most_confident_accuracy,
    per_class,
    reliability,
    risk_coverage,
    risk_coverage_area,
    summary,
    wilson_limits,
)
from binlab.evaluate.orders import Rules, order_figures
from binlab.evaluate.predictions import Counts, Floats, Mask, Predictions

SHARES = (0.1, 0.2, 0.3, 0.5, 0.8, 1.0)
POINTS = 200  # of the risk-coverage curve
CONFIDENT = (0.5, 0.8)
EDGES = tuple(np.linspace(0, 1, 21))  # of the histogram of confidence


def evaluation(predictions: Predictions, training_counts: Counts, rules: Rules) -> dict[str, Any]:
    """All figures. Unless they are about bins out of range or orders, they cover only images whose count is a class.

    `training_counts` choose the constant baselines. Raises ValueError if no image is in range.
    """
    inside = predictions.where(predictions.in_range)
    beyond = predictions.where(~predictions.in_range)
    if not len(inside):
        raise ValueError(f"No photo has one of the counts {predictions.classes}.")
    outside = beyond if len(beyond) else None
    classes = inside.classes
    return {
        **summary(inside.probabilities, inside.counts, classes, (inside.predicted, inside.confidence)),
        "accuracy_interval": wilson_limits(float(inside.correct.mean()), len(inside)),
        "balanced_accuracy_interval": balanced_limits(
            (float(own.mean()), len(own)) for count in classes if len(own := inside.correct[inside.counts == count])
        ),
        "interval_method": LIMITS_METHOD,
        "per_class": per_class(inside.predicted, inside.counts, classes),
        "confusion": confusion(predictions),
        "calibration": calibration_figures(inside),
        "risk_coverage": coverage_figures(inside),
        "intervals": interval_figures(inside),
        "out_of_range": out_of_range_figures(inside, outside),
        "orders": order_figures(predictions, rules),
        "baselines": constants(inside.counts, training_counts, classes),
        "published": list(PUBLISHED),
    }


def confusion(predictions: Predictions) -> dict[str, Any]:
    """Images by recorded count (rows) and predicted count (columns). All above the last class are one row or column."""
    recorded = np.clip(predictions.counts, predictions.classes[0] - 1, predictions.classes[-1] + 1)
    rows = [int(count) for count in np.unique(recorded)]
    columns = [int(count) for count in np.union1d(predictions.classes, predictions.predicted)]
    table = [[int(((recorded == row) & (predictions.predicted == column)).sum()) for column in columns] for row in rows]
    return {"recorded": rows, "counted": columns, "classes": list(predictions.classes), "images": table}


def calibration_figures(predictions: Predictions) -> dict[str, Any]:
    """Calibration of the line's confidence, plain and `balanced`."""

    def figures(weights: Floats) -> dict[str, Any]:
        bins = reliability(predictions.confidence, predictions.correct, weights)
        return {
            "ece": expected_calibration_error(bins),
            "ece_by_chance": calibration_error_by_chance(predictions.confidence, weights),
            "mean_confidence": float(weights @ predictions.confidence),
            "bins": [asdict(each) for each in bins],
        }

    balanced = class_weights(predictions.counts, predictions.classes)
    return {**figures(even_weights(predictions.counts)), "balanced": figures(balanced)}


def coverage_figures(predictions: Predictions) -> dict[str, Any]:
    """Accuracy of the most confident images, the area under the risk-coverage curve, and the curve itself."""
    confidence, correct = predictions.confidence, predictions.correct
    even, balanced = even_weights(predictions.counts), class_weights(predictions.counts, predictions.classes)
    _, covered, hits = risk_coverage(confidence, correct, even)
    curve = np.linspace(1 / POINTS, 1, POINTS)
    return {
        "most_confident": {
            str(share): {
                "accuracy": (found := most_confident_accuracy(share, confidence, correct, even)),
                "accuracy_interval": wilson_limits(found, max(1, round(share * len(predictions)))),
                "balanced_accuracy": most_confident_accuracy(share, confidence, correct, balanced),
                "confidence_at_least": confidence_at(share, confidence, even),
            }
            for share in SHARES
        },
        "area": risk_coverage_area(confidence, correct, even),
        "area_of_random_order": float(1 - correct.mean()),
        "area_of_best_order": best_risk_coverage_area(float(1 - correct.mean())),
        "curve": {
            "coverage": curve.tolist(),
            "risk": (1 - np.interp(curve, np.append(0, covered), np.append(0, hits)) / curve).tolist(),
        },
    }


def interval_figures(predictions: Predictions) -> dict[str, Any] | None:
    """Coverage and width of the prediction intervals of images in range; None if the lines carry none.

    The width counts both ends: "2 or 3" has width 2.
    """
    if predictions.intervals is None:
        return None
    inside = covers(predictions)
    width = predictions.intervals[:, 1] - predictions.intervals[:, 0] + 1
    by_class = {
        str(count): {
            "images": int(own.sum()),
            "coverage": float(inside[own].mean()),
            "mean_width": float(width[own].mean()),
        }
        for count in predictions.classes
        if (own := predictions.counts == count).any()
    }
    classes = [(each["coverage"], each["images"]) for each in by_class.values()]
    return {
        "nominal_coverage": predictions.nominal_coverage,
        "coverage": float(inside.mean()),
        "coverage_interval": wilson_limits(float(inside.mean()), len(predictions)),
        "balanced_coverage": float(np.mean([share for share, _ in classes])),
        "balanced_coverage_interval": balanced_limits(classes),
        "mean_width": float(width.mean()),
        "balanced_mean_width": float(np.mean([each["mean_width"] for each in by_class.values()])),
        "width_shares": {str(size): float((width == size).mean()) for size in np.unique(width)},
        "per_class": by_class,
    }


def covers(predictions: Predictions) -> Mask:
    """Whether each interval holds the recorded count. An end beyond the last class means any number above it."""
    intervals = _intervals(predictions)
    counts = np.minimum(predictions.counts, predictions.classes[-1] + 1)
    return np.asarray((intervals[:, 0] <= counts) & (counts <= intervals[:, 1]))


def reaches_out_of_range(predictions: Predictions) -> Mask:
    """Whether each interval includes an empty bin, or more items than the last class."""
    intervals = _intervals(predictions)
    return np.asarray((intervals[:, 0] < predictions.classes[0]) | (intervals[:, 1] > predictions.classes[-1]))


def _intervals(predictions: Predictions) -> Counts:
    if predictions.intervals is None:
        raise ValueError("These prediction lines carry no interval.")
    return predictions.intervals


def out_of_range_figures(inside: Predictions, outside: Predictions | None) -> dict[str, Any] | None:
    """How well class probabilities, intervals, and `empty` and `over_range` tell bins out of range from bins in range.

    `auroc` is the probability that a bin out of range scores above one in range (0.5 is chance). The score is `empty`
    + `over_range` for a model with those outputs, and 1 - the best class's probability for any. None without such bins.
    """
    if outside is None:
        return None
    empty = outside.counts < outside.classes[0]
    parts = {
        "in_range": inside,
        "out_of_range": outside,
        "empty": outside.where(empty),
        "over_range": outside.where(~empty),
    }
    groups = {name: group_figures(part) for name, part in parts.items() if len(part)}
    scores = {"low_confidence": auroc(1 - outside.class_probabilities.max(1), 1 - inside.class_probabilities.max(1))}
    if knows_out_of_range(outside) or knows_out_of_range(inside):
        scores["empty_and_over_range"] = auroc(outside.empty + outside.over_range, inside.empty + inside.over_range)
    return {"groups": groups, "auroc": scores}


def knows_out_of_range(predictions: Predictions) -> bool:
    """Whether the model has outputs for bins out of range; without them both probabilities are 0 everywhere."""
    return bool((predictions.empty + predictions.over_range).any())


def group_figures(predictions: Predictions) -> dict[str, Any]:
    """One group of images: confidence of the best class, and the shares that are flagged or whose interval warns."""
    confidence = predictions.class_probabilities.max(1)
    figures: dict[str, Any] = {
        "images": len(predictions),
        "mean_confidence": float(confidence.mean()),
        "confident": {str(least): float((confidence > least).mean()) for least in CONFIDENT},
        "confidence_shares": (np.histogram(confidence, EDGES)[0] / len(predictions)).tolist(),
    }
    if knows_out_of_range(predictions):
        figures["flagged"] = float((predictions.empty + predictions.over_range > 0.5).mean())
        figures["mean_empty"] = float(predictions.empty.mean())
        figures["mean_over_range"] = float(predictions.over_range.mean())
    if predictions.intervals is not None:
        figures["interval_reaches_out"] = float(reaches_out_of_range(predictions).mean())
        figures["interval_covers"] = float(covers(predictions).mean())
    return figures


def auroc(higher: npt.ArrayLike, lower: npt.ArrayLike) -> float:
    """Area under the ROC curve: P(a score of `higher` > one of `lower`), ties counting half (Mann-Whitney, 1947)."""
    one, other = np.asarray(higher, float), np.sort(np.asarray(lower, float))
    # Ranks by binary search, not all pairs: thousands of images make millions of pairs.
    below = np.searchsorted(other, one, "left") + np.searchsorted(other, one, "right")
    return float(below.mean() / (2 * len(other)))
