"""A count and how sure it is, in the words and figures that a person reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bintally.domain.intervals import Interval, interval_of, number_text


def number_in(facts: Mapping[str, Any]) -> str:
    """The count of a prediction line or of a table's item: `3`, `6+` for at least 6, `-` for none."""
    return number_text(facts.get("count"), facts.get("at_least"))


def interval_text(interval: Interval | None) -> str:
    """`2 or 3 items, 90%`; nothing for a model that can't tell."""
    if interval is None:
        return ""
    words = interval.words()
    return f"{words} item{'' if words == '1' else 's'}, {interval.coverage:.0%}"


def interval_in(facts: Mapping[str, Any]) -> str:
    """The same of a prediction line or of a table's item."""
    interval = facts.get("interval")
    return interval_text(interval_of(interval) if interval else None)


def shares_in(facts: Mapping[str, Any]) -> dict[int, float]:
    """The probability of each number of items, which sum to 1.

    Where the model can tell, 0 is among them, and one above the last count, which stands for all above that.
    """
    shares = {int(count): float(share) for count, share in facts.get("probabilities", {}).items()}
    beyond = {"empty": 0, "over_range": max(shares, default=0) + 1}
    outside = {number: float(facts[name]) for name, number in beyond.items() if name in facts}
    inside = 1 - sum(outside.values())
    return dict(sorted({**{count: share * inside for count, share in shares.items()}, **outside}.items()))
