"""A count, its interval and its probabilities, as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bintally.domain.intervals import Interval, interval_of, number_text
from bintally.domain.volume import Volume, litres_text, volume_of


def count_of(record: Mapping[str, Any]) -> str:
    """The count of a prediction line or a table's item: `3`, `6+` for at least 6, `-` for none."""
    return number_text(record.get("count"), record.get("at_least"))


def confidence_text(confidence: float | None) -> str:
    return "-" if confidence is None else f"{confidence:.0%}"


def interval_text(interval: Interval | None) -> str:
    """`2 or 3 items, 90%`; empty for a model without intervals."""
    if interval is None:
        return ""
    words = interval.words()
    return f"{words} item{'' if words == '1' else 's'}, {interval.coverage:.0%}"


def interval_text_of(record: Mapping[str, Any]) -> str:
    """The same for a prediction line or a table's item."""
    interval = record.get("interval")
    return interval_text(interval_of(interval) if interval else None)


def volume_text(volume: Volume | None) -> str:
    """`2.1 l (0.90 l to 4.9 l, 90%)`; empty for a model without volumes."""
    if volume is None:
        return ""
    span = f"{litres_text(volume.low)} to {litres_text(volume.high)}, {volume.coverage:.0%}"
    return f"{litres_text(volume.litres)} ({span})"


def volume_of_record(record: Mapping[str, Any]) -> Volume | None:
    """The volume in a prediction line or a table's item, if it has one."""
    volume = record.get("volume")
    return volume_of(volume) if volume else None


def count_probabilities(record: Mapping[str, Any]) -> dict[int, float]:
    """The probability of each number of items; they sum to 1.

    If the model gives them, 0 is included, and the number above the last class, which stands for all above that class.
    """
    classes = {int(count): float(probability) for count, probability in record.get("probabilities", {}).items()}
    beyond = {"empty": 0, "over_range": max(classes, default=0) + 1}
    outside = {number: float(record[name]) for name, number in beyond.items() if name in record}
    inside = 1 - sum(outside.values())
    return dict(sorted({**{count: each * inside for count, each in classes.items()}, **outside}.items()))


def minute_text(timestamp: str | None) -> str:
    """An ISO 8601 time to the minute: `2026-05-04 16:00`; `-` for none."""
    return (timestamp or "-")[:16].replace("T", " ")
