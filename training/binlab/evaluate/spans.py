"""Whether the intervals that prediction lines carry hold the recorded count as often as they promise."""

from __future__ import annotations

from typing import Any

import numpy as np

from binlab.evaluate.answers import Answers, Mask
from binlab.evaluate.limits import balanced, wilson


def held(answers: Answers) -> Mask:
    """Whether each interval holds the recorded count. An end beyond the last class stands for any number above it."""
    spans = _ends(answers)
    counts = np.minimum(answers.counts, answers.classes[-1] + 1)
    return np.asarray((spans[:, 0] <= counts) & (counts <= spans[:, 1]))


def span_figures(answers: Answers) -> dict[str, Any] | None:
    """Coverage and width of the intervals of photographs in range; None where lines carry none.

    The width is in counts, both ends among them: that of "2 or 3" is 2. The balanced figures weigh every class alike.
    """
    if answers.spans is None:
        return None
    spans, inside = answers.spans, held(answers)
    width = spans[:, 1] - spans[:, 0] + 1
    by_class = {
        str(count): {
            "photographs": int(own.sum()),
            "coverage": float(inside[own].mean()),
            "mean_width": float(width[own].mean()),
        }
        for count in answers.classes
        if (own := answers.counts == count).any()
    }
    classes = [(each["coverage"], each["photographs"]) for each in by_class.values()]
    return {
        "promised": answers.promised,
        "coverage": float(inside.mean()),
        "coverage_interval": wilson(float(inside.mean()), len(answers)),
        "balanced_coverage": float(np.mean([share for share, _ in classes])),
        "balanced_coverage_interval": balanced(classes),
        "mean_width": float(width.mean()),
        "balanced_mean_width": float(np.mean([each["mean_width"] for each in by_class.values()])),
        "width_shares": {str(size): float((width == size).mean()) for size in np.unique(width)},
        "per_class": by_class,
    }


def reaches_out(answers: Answers) -> Mask:
    """Whether each interval reaches beyond the classes: says that the bin may be empty, or hold more than the last."""
    spans = _ends(answers)
    return np.asarray((spans[:, 0] < answers.classes[0]) | (spans[:, 1] > answers.classes[-1]))


def _ends(answers: Answers) -> Any:
    if answers.spans is None:
        raise ValueError("these prediction lines carry no interval")
    return answers.spans
