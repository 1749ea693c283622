"""All that is said of a model on one side of the split, as one object of figures."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from binlab.evaluate.answers import Answers, Floats
from binlab.evaluate.baselines import PUBLISHED, constants
from binlab.evaluate.calibration import error_by_chance, expected_error, reliability
from binlab.evaluate.coverage import area, best_area, certain_first, confidence_at, most_certain
from binlab.evaluate.limits import METHOD, balanced, wilson
from binlab.evaluate.metrics import Counts, class_weights, even_weights, per_class, summary
from binlab.evaluate.orders import order_figures
from binlab.evaluate.outside import outside_figures
from binlab.evaluate.spans import span_figures
from binlab.evaluate.verdicts import Thresholds

SHARES = (0.1, 0.2, 0.3, 0.5, 0.8, 1.0)
POINTS = 200  # of the risk-coverage curve


def evaluation(answers: Answers, learnt: Counts, thresholds: Thresholds) -> dict[str, Any]:
    """Every figure of `answers`; those not on bins out of range are of the photographs whose count is a class.

    `learnt` are the training counts, from which the constant baselines are chosen. Raises ValueError without any
    photograph in range.
    """
    inside, outside = answers.where(answers.in_range), answers.where(~answers.in_range)
    if not len(inside):
        raise ValueError(f"no photograph has one of the counts {answers.classes}")
    classes, beyond = inside.classes, outside if len(outside) else None
    accuracy = float(inside.right.mean())
    return {
        **summary(inside.probabilities, inside.counts, classes),
        "accuracy_interval": wilson(accuracy, len(inside)),
        "balanced_accuracy_interval": balanced(
            (float(own.mean()), len(own)) for count in classes if len(own := inside.right[inside.counts == count])
        ),
        "interval_method": METHOD,
        "per_class": per_class(inside.probabilities, inside.counts, classes),
        "confusion": confusion(answers),
        "calibration": calibration_figures(inside),
        "risk_coverage": coverage_figures(inside),
        "intervals": span_figures(inside),
        "out_of_range": outside_figures(inside, beyond),
        "orders": order_figures(inside, beyond, thresholds),
        "baselines": constants(inside.counts, learnt, classes),
        "published": list(PUBLISHED),
    }


def confusion(answers: Answers) -> dict[str, Any]:
    """How many photographs of each recorded count (rows) got which count (columns); more than the last class is one."""
    recorded = np.clip(answers.counts, answers.classes[0] - 1, answers.classes[-1] + 1)
    rows = [int(count) for count in np.unique(recorded)]
    table = [[int(((recorded == row) & (answers.guess == count)).sum()) for count in answers.classes] for row in rows]
    return {"recorded": rows, "counted": list(answers.classes), "photographs": table}


def calibration_figures(answers: Answers) -> dict[str, Any]:
    """Calibration of the line's confidence: plain, and in `balanced` with every class weighing the same."""

    def figures(weights: Floats) -> dict[str, Any]:
        bins = reliability(answers.confidence, answers.right, weights)
        return {
            "ece": expected_error(bins),
            "ece_by_chance": error_by_chance(answers.confidence, weights),
            "mean_confidence": float(weights @ answers.confidence),
            "bins": [asdict(each) for each in bins],
        }

    even, alike = even_weights(answers.counts), class_weights(answers.counts, answers.classes)
    return {**figures(even), "balanced": figures(alike)}


def coverage_figures(answers: Answers) -> dict[str, Any]:
    """Accuracy of the most certain photographs, the area under the risk-coverage curve, and the curve."""
    confidence, right = answers.confidence, answers.right
    even, alike = even_weights(answers.counts), class_weights(answers.counts, answers.classes)
    _, covered, hits = certain_first(confidence, right, even)
    curve = np.linspace(1 / POINTS, 1, POINTS)
    return {
        "most_certain": {
            str(share): {
                "accuracy": (found := most_certain(share, confidence, right, even)),
                "accuracy_interval": wilson(found, max(1, round(share * len(answers)))),
                "balanced_accuracy": most_certain(share, confidence, right, alike),
                "confidence_at_least": confidence_at(share, confidence, even),
            }
            for share in SHARES
        },
        "area": area(confidence, right, even),
        "area_of_no_order": float(1 - right.mean()),
        "area_of_best_order": best_area(float(1 - right.mean())),
        "curve": {
            "coverage": curve.tolist(),
            "risk": (1 - np.interp(curve, np.append(0, covered), np.append(0, hits)) / curve).tolist(),
        },
    }
