"""How sure a count is, in the words and figures that a person reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bintally.domain.intervals import Interval, interval_of


def interval_text(interval: Interval | None, most: int) -> str:
    """`2 or 3 items, 90%`; nothing for a model that can't tell. `most` is the last count that the model knows."""
    if interval is None:
        return ""
    words = interval.words(most)
    return f"{words} item{'' if words == '1' else 's'}, {interval.coverage:.0%}"


def interval_in(facts: Mapping[str, Any]) -> str:
    """The same of a prediction line or of a table's item."""
    interval, most = facts.get("interval"), max(map(int, facts.get("probabilities") or {"0": 0}))
    return interval_text(interval_of(interval) if interval else None, most)


def shares_in(facts: Mapping[str, Any]) -> dict[int, float]:
    """The probability of each number of items, which sum to 1.

    Where the model can tell, 0 is among them, and one above the last count, which stands for all above that.
    """
    shares = {int(count): float(share) for count, share in facts.get("probabilities", {}).items()}
    beyond = {"empty": 0, "fuller": max(shares, default=0) + 1}
    outside = {number: float(facts[name]) for name, number in beyond.items() if name in facts}
    inside = 1 - sum(outside.values())
    return dict(sorted({**{count: share * inside for count, share in shares.items()}, **outside}.items()))
