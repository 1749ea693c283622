"""The hyperparameter search space, shared by the local search and SageMaker's tuner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Value = float | int | str


@dataclass(frozen=True)
class Range:
    """Any number from `low` to `high`; with `log`, uniform on a logarithmic scale."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Choice:
    """One of `options`."""

    options: tuple[Value, ...]


# Flag of train.py without its dashes -> its values.
SPACE: dict[str, Range | Choice] = {
    "lr": Range(5e-5, 1e-3, log=True),
    "weight-decay": Range(1e-3, 0.2, log=True),
    "neighbour-smoothing": Range(0.0, 0.4),
    "mixup": Range(0.0, 0.4),
    "batch": Choice((16, 32, 64)),
    "ema": Choice((0.0, 0.99, 0.998)),
    "augment": Choice(("light", "strong")),
}


def as_flags(values: Mapping[str, Value]) -> list[str]:
    """The arguments of train.py; numbers with four significant digits."""
    return [
        word
        for name, value in values.items()
        for word in (f"--{name}", f"{value:.4g}" if isinstance(value, float) else str(value))
    ]


def within(name: str, value: Value) -> bool:
    """Whether the space contains this value of a flag."""
    values = SPACE[name]
    return value in values.options if isinstance(values, Choice) else values.low <= float(value) <= values.high
