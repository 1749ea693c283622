"""The search space of hyperparameters: one, for the search on this machine and for SageMaker's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Value = float | int | str


@dataclass(frozen=True)
class Range:
    """Any number from `low` to `high`; with `log`, every order of magnitude is as likely."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Choice:
    """One of `options`."""

    options: tuple[Value, ...]


# Flag of train.py, without its dashes -> its values.
SPACE: dict[str, Range | Choice] = {
    "rate": Range(5e-5, 1e-3, log=True),
    "decay": Range(1e-3, 0.2, log=True),
    "to-neighbours": Range(0.0, 0.4),
    "mixup": Range(0.0, 0.4),
    "batch": Choice((16, 32, 64)),
    "ema": Choice((0.0, 0.99, 0.998)),
    "augment": Choice(("light", "strong")),
}


def as_flags(values: Mapping[str, Value]) -> list[str]:
    """The words to put after `train.py`, numbers with four digits that count."""
    return [
        word
        for name, value in values.items()
        for word in (f"--{name}", f"{value:.4g}" if isinstance(value, float) else str(value))
    ]


def within(name: str, value: Value) -> bool:
    """Whether the space holds this value of a flag."""
    values = SPACE[name]
    return value in values.options if isinstance(values, Choice) else values.low <= float(value) <= values.high
