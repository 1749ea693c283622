"""What a run reports after each epoch: one line of JSON, and warnings if it goes wrong.

SageMaker and the local hyperparameter search read the line. The warning rules replace SageMaker Debugger's built-in
ones: a rule looks at the epochs so far (dicts with `loss`, `gradient`, `validation_loss`, `balanced_accuracy` and
`predicted_shares`) and returns a sentence, or None.

Imports only the standard library: jobs.py and hpo.py use it without torch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Epochs = Sequence[dict[str, Any]]
Rule = Callable[[Epochs], str | None]

# Figure of the line -> metric name in SageMaker.
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
    """The figures of an epoch as one line of JSON. NaN and infinity become null: they are not JSON."""
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


@dataclass(frozen=True)
class RunWarning:
    """What `rule` found after `epoch`."""

    rule: str
    epoch: int
    message: str

    def __str__(self) -> str:
        return f"epoch {self.epoch}: {self.rule}: {self.message}"


def loss_not_falling(epochs: Epochs, patience: int = 3) -> str | None:
    """For `patience` epochs the training loss has been within 1% of the first."""
    losses = [epoch["loss"] for epoch in epochs]
    if len(losses) <= patience or min(losses[-patience:]) < 0.99 * losses[0]:
        return None
    return (
        f"The training loss started at {losses[0]:.3f} and is {losses[-1]:.3f}. "
        "Try another learning rate (--lr), and check the labels with explore.py."
    )


def overfitting(epochs: Epochs, patience: int = 2) -> str | None:
    """For `patience` epochs after its best the validation loss has been at least 1% higher; the training loss falls."""
    losses = [epoch["validation_loss"] for epoch in epochs]
    best = losses.index(min(losses))
    since = len(losses) - 1 - best
    falling = epochs[-1]["loss"] < epochs[best]["loss"]
    if since < patience or not falling or min(losses[best + 1 :]) < 1.01 * losses[best]:
        return None
    return (
        f"The validation loss was best after epoch {best + 1} ({losses[best]:.3f}) and is {losses[-1]:.3f}, while the "
        "training loss still falls. Use more augmentation (--augment, --mixup), fewer epochs, or more photos."
    )


def vanishing_gradient(epochs: Epochs, least: float = 1e-4) -> str | None:
    if epochs[-1]["gradient"] >= least:
        return None
    return f"The mean gradient norm is {epochs[-1]['gradient']:.1e}: nothing is learned. Check the starting weights."


def exploding_gradient(epochs: Epochs, most: float = 100.0) -> str | None:
    if not (math.isnan(epochs[-1]["gradient"]) or epochs[-1]["gradient"] > most):
        return None
    return f"The mean gradient norm is {epochs[-1]['gradient']:.1e}. Lower the learning rate (--lr)."


def dead_classes(epochs: Epochs, least: float = 0.01, patience: int = 3) -> str | None:
    """For `patience` epochs a class has been predicted for less than 1% of the images."""
    recent = [epoch["predicted_shares"] for epoch in epochs[-patience:]]
    dead = [name for name in recent[-1] if all(shares[name] < least for shares in recent)]
    if len(recent) < patience or not dead:
        return None
    return f"The count {' and '.join(dead)} is hardly ever predicted. Add photos of it, or lower --lr."


def plateau(epochs: Epochs, patience: int = 5) -> str | None:
    """For `patience` epochs neither loss has improved by half a percent."""
    if len(epochs) <= patience:
        return None
    for figure in ("loss", "validation_loss"):
        values = [epoch[figure] for epoch in epochs]
        if min(values[-patience:]) < 0.995 * min(values[:-patience]):
            return None
    return f"Neither loss has improved for {patience} epochs. More epochs will not help."


RULES: dict[str, Rule] = {
    "loss-not-falling": loss_not_falling,
    "overfitting": overfitting,
    "vanishing-gradient": vanishing_gradient,
    "exploding-gradient": exploding_gradient,
    "dead-classes": dead_classes,
    "plateau": plateau,
}


def warnings_after(epochs: Epochs) -> list[RunWarning]:
    """What the rules find after the last of `epochs`."""
    found = [(name, rule(epochs)) for name, rule in RULES.items()]
    return [RunWarning(name, len(epochs), message) for name, message in found if message]
