"""The line that training prints after an epoch, and how SageMaker (or the local search) reads the figures out of it."""

import json
import math
from collections.abc import Mapping

# Figure of the line -> name of the metric in SageMaker.
METRICS = {
    "loss": "train:loss",
    "validation_loss": "validation:loss",
    "balanced_accuracy": "validation:balanced_accuracy",
    "rmse_expected": "validation:rmse_expected",
    "within_one": "validation:within_one",
    "ece": "validation:ece",
    "seconds": "train:seconds",
}
METRIC_DEFINITIONS = [
    {"Name": name, "Regex": rf'"{figure}": (-?[0-9]+\.?[0-9]*(?:[eE][-+]?[0-9]+)?)'} for figure, name in METRICS.items()
]
OBJECTIVE = "balanced_accuracy"


def epoch_line(figures: Mapping[str, float]) -> str:
    """`figures` of an epoch as one line of JSON; a figure that is not a number becomes null, which no regex reads."""
    finite = {key: value if math.isfinite(value) else None for key, value in figures.items()}
    return json.dumps({key: round(value, 6) if isinstance(value, float) else value for key, value in finite.items()})


def read_epoch(line: str) -> dict[str, float] | None:
    """The figures of an `epoch_line`; None for any other line."""
    if not line.startswith('{"epoch"'):
        return None
    try:
        figures: dict[str, float] = json.loads(line)
    except json.JSONDecodeError:
        return None
    return figures
