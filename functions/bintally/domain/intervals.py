"""Intervals of counts, of which one is the true one as often as the interval says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """The counts from `low` to `high`, of which one is the true one with probability `coverage`.

    `low` may be 0, an empty bin. `high` may be one more than the last count that the model knows, its `most`; it then
    stands for that and for every number above.
    """

    low: int
    high: int
    coverage: float

    def holds(self, number: int, most: int) -> bool:
        """Whether `number` is in it, for a model that knows counts up to `most`."""
        return self.low <= min(number, most + 1) <= self.high

    def words(self, most: int) -> str:
        """`3`, `2 or 3`, `2 to 4`, `4 or more`, `more than 5`."""
        if self.high > most:
            return f"{self.low} or more" if self.low <= most else f"more than {most}"
        if self.low == self.high:
            return str(self.low)
        return f"{self.low} {'or' if self.high - self.low == 1 else 'to'} {self.high}"

    def facts(self) -> dict[str, int | float]:
        """As messages and tables hold it."""
        return {"low": self.low, "high": self.high, "coverage": self.coverage}


def interval_of(facts: Mapping[str, object]) -> Interval:
    """The interval that `facts` describe. Raises KeyError or ValueError where they describe none."""
    low, high, coverage = int(str(facts["low"])), int(str(facts["high"])), float(str(facts["coverage"]))
    if not 0 <= low <= high or not 0 <= coverage <= 1:
        raise ValueError(f"{dict(facts)} is no interval of counts")
    return Interval(low, high, coverage)
