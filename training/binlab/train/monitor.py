"""Rules that watch a run and say in words what goes wrong. They take the place of SageMaker Debugger's built-in rules.

A rule looks at the epochs so far, each a dict with `loss` (training), `gradient` (mean length), `validation_loss`,
`balanced_accuracy` and `guesses` (share of each class among the guesses), and gives a sentence, or None.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Epochs = Sequence[dict[str, Any]]
Rule = Callable[[Epochs], str | None]


@dataclass(frozen=True)
class Warning:
    """What `rule` saw after `epoch`."""

    rule: str
    epoch: int
    words: str

    def __str__(self) -> str:
        return f"epoch {self.epoch}: {self.rule}: {self.words}"


def loss_not_falling(epochs: Epochs, patience: int = 3) -> str | None:
    """The training loss is, `patience` epochs long, hardly below that of the first."""
    losses = [epoch["loss"] for epoch in epochs]
    if len(losses) <= patience or min(losses[-patience:]) < 0.99 * losses[0]:
        return None
    return (
        f"the training loss began at {losses[0]:.3f} and is {losses[-1]:.3f}. "
        "Try another learning rate (--rate), and see whether the labels are right (explore.py)."
    )


def overfitting(epochs: Epochs, patience: int = 2) -> str | None:
    """The validation loss rises, `patience` epochs after its best, while the training loss falls."""
    losses = [epoch["validation_loss"] for epoch in epochs]
    best = losses.index(min(losses))
    since = len(losses) - 1 - best
    falling = epochs[-1]["loss"] < epochs[best]["loss"]
    if since < patience or not falling or min(losses[best + 1 :]) < 1.01 * losses[best]:
        return None
    return (
        f"the validation loss was best after epoch {best + 1} ({losses[best]:.3f}) and is {losses[-1]:.3f}, while the "
        "training loss falls. More variation (--augment, --mixup), fewer epochs or more photographs help."
    )


def vanishing_gradient(epochs: Epochs, least: float = 1e-4) -> str | None:
    if epochs[-1]["gradient"] >= least:
        return None
    return f"the mean gradient is {epochs[-1]['gradient']:.1e}: nothing is learnt. Look at the starting weights."


def exploding_gradient(epochs: Epochs, most: float = 100.0) -> str | None:
    if not (math.isnan(epochs[-1]["gradient"]) or epochs[-1]["gradient"] > most):
        return None
    return f"the mean gradient is {epochs[-1]['gradient']:.1e}. Lower the learning rate (--rate)."


def dead_classes(epochs: Epochs, least: float = 0.01, patience: int = 3) -> str | None:
    """A class is, for `patience` epochs, hardly ever guessed."""
    recent = [epoch["guesses"] for epoch in epochs[-patience:]]
    dead = [name for name in recent[-1] if all(guesses[name] < least for guesses in recent)]
    if len(recent) < patience or not dead:
        return None
    return f"the count {' and '.join(dead)} is hardly ever guessed. Too few photographs of it, or too high a rate?"


def plateau(epochs: Epochs, patience: int = 5) -> str | None:
    """Neither loss has found a better value by half a percent for `patience` epochs."""
    if len(epochs) <= patience:
        return None
    for figure in ("loss", "validation_loss"):
        values = [epoch[figure] for epoch in epochs]
        if min(values[-patience:]) < 0.995 * min(values[:-patience]):
            return None
    return f"for {patience} epochs neither loss has become better. More epochs will not help."


RULES: dict[str, Rule] = {
    "loss-not-falling": loss_not_falling,
    "overfitting": overfitting,
    "vanishing-gradient": vanishing_gradient,
    "exploding-gradient": exploding_gradient,
    "dead-classes": dead_classes,
    "plateau": plateau,
}


def warnings_after(epochs: Epochs) -> list[Warning]:
    """What the rules say after the last of `epochs`."""
    found = [(name, rule(epochs)) for name, rule in RULES.items()]
    return [Warning(name, len(epochs), words) for name, words in found if words]
