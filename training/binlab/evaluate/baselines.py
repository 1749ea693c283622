"""What needs no model, and what others reported: the figures to hold a model's against."""

from __future__ import annotations

from typing import Any

import numpy as np

from binlab.evaluate.metrics import Counts, class_weights, error_figures, even_weights

# Most of these had other photographs to test on. Six classes are 0 to 5: an empty bin is easy (97.7% right in the first
# source), so that six-class figures are no measure for five classes. Balanced accuracy is ours, from their tables.
PUBLISHED: tuple[dict[str, Any], ...] = (
    {
        "name": "ResNet-50, the 10,441-image list (course project)", "classes": 5, "accuracy": 0.3241,
        "source": "https://github.com/joangerard/Inventory-Monitoring-at-Distribution-Centers-w-Sagemaker",
    },
    {
        "name": "ResNet-50, the 10,441-image list (course project)", "classes": 5, "accuracy": 0.32,
        "source": "https://github.com/AbdiTolesa/inventory-monitoring",
    },
    {
        "name": "ResNet-50, a tenth of the dataset (course project)", "classes": 6, "accuracy": 0.31, "rmse": 1.96,
        "balanced_1_to_5": 0.324,
        "source": "https://github.com/suinaowawa/Inventory-Monitoring-at-Distribution-Centers",
    },
    {
        "name": "ResNet-34, the whole dataset (2017)", "classes": 6, "accuracy": 0.5567, "rmse": 0.930,
        "balanced_1_to_5": 0.586, "source": "https://github.com/silverbottlep/abid_challenge",
    },
    {
        "name": "ResNet-34, the whole dataset (Bertorello, Sripada and Dendumrongsup, 2018)", "classes": 6,
        "accuracy": 0.562, "rmse": 0.90, "source": "https://cs229.stanford.edu/proj2018/report/65.pdf",
    },
)  # fmt: skip


def guess_figures(guess: Any, counts: Counts, classes: tuple[int, ...]) -> dict[str, float]:
    """Plain and `balanced_` figures of guesses (N,) without probabilities. As a count, each is rounded."""
    plain = error_figures(np.rint(guess), guess, counts, even_weights(counts))
    alike = error_figures(np.rint(guess), guess, counts, class_weights(counts, classes))
    return {**plain, **{f"balanced_{name}": value for name, value in alike.items()}}


def constants(counts: Counts, learnt: Counts, classes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Figures on `counts` of saying one number of every bin: the best ones that the training counts `learnt` name."""
    common, mean = int(np.bincount(learnt).argmax()), float(learnt.mean())
    said = {
        f"always {common}, the most common count in training": common,
        f"always {mean:.2f}, the mean count in training": mean,
    }
    return [
        {"name": name, **guess_figures(np.full(len(counts), value), counts, classes)} for name, value in said.items()
    ]
