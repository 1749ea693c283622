"""Counts and intervals of counts, as the model returns them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


def number_text(count: int | None, at_least: int | None) -> str:
    """Text such as `3`, or `6+` for a bin that holds at least 6 (exact count unknown), or `-` if there is neither."""
    if count is not None:
        return str(count)
    return "-" if at_least is None else f"{at_least}+"


@dataclass(frozen=True)
class Interval:
    """The counts from `low` to `high`. They include the true count with probability `coverage`.

    `low` may be 0, an empty bin. `high` is None if there is no upper end: `low` or more.
    """

    low: int
    high: int | None
    coverage: float

    def holds(self, number: int) -> bool:
        return not self.is_below(number) and not self.is_above(number)

    def is_below(self, number: int) -> bool:
        """Whether all counts are smaller than `number`. Never true for an interval without an upper end."""
        return self.high is not None and self.high < number

    def is_above(self, number: int) -> bool:
        """Whether all counts are larger than `number`."""
        return self.low > number

    def words(self) -> str:
        """`3`, `2 or 3`, `2 to 4`, `4 or more`."""
        if self.high is None:
            return f"{self.low} or more"
        if self.low == self.high:
            return str(self.low)
        return f"{self.low} {'or' if self.high - self.low == 1 else 'to'} {self.high}"

    def facts(self) -> dict[str, int | float | None]:
        """The interval as messages and tables store it."""
        return {"low": self.low, "high": self.high, "coverage": self.coverage}


def interval_of(facts: Mapping[str, object]) -> Interval:
    """The interval stored in `facts`. Raises KeyError or ValueError if they are not a valid interval."""
    low, coverage = int(str(facts["low"])), float(str(facts["coverage"]))
    high = None if facts["high"] is None else int(str(facts["high"]))
    if low < 0 or (high is not None and high < low) or not 0 <= coverage <= 1:
        raise ValueError(f"{dict(facts)} is not an interval of counts")
    return Interval(low, high, coverage)
