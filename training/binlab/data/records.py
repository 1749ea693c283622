"""The warehouse's record of a bin: `metadata/<id>.json` of the dataset, read without trusting it.

Fields: https://github.com/awslabs/open-data-docs/tree/main/docs/aft-vbi-pds. A record is a dict, empty if the file is
missing or is not a JSON object, so that one broken file does not stop a run; cleaning lists such images.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Contents = tuple[tuple[str, int], ...]
_ISBN = re.compile(r"\d{9}[\dX]")
_INCHES = {"IN": 1.0, "CM": 1 / 2.54}
_POUNDS = {"pounds": 1.0, "kilograms": 2.20462}


@dataclass(frozen=True)
class Item:
    """One product in a bin. Sides in inches, longest first; weight in pounds; None if not recorded."""

    asin: str
    name: str
    quantity: int
    sides: tuple[float, float, float] | None
    weight: float | None

    @property
    def kind(self) -> str:
        """A book's ASIN is its ISBN-10; other ASINs say nothing about the product."""
        return "book" if _ISBN.fullmatch(self.asin) else "other goods"


def read_record(path: Path) -> dict[str, Any]:
    try:
        return parse_record(path.read_bytes())
    except OSError:
        return {}


def parse_record(data: bytes) -> dict[str, Any]:
    try:
        record = json.loads(data)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def expected_quantity(record: dict[str, Any]) -> int | None:
    """The recorded count; None if there is none or it is not a whole number from 0."""
    return _whole(record.get("EXPECTED_QUANTITY"))


def items_of(record: dict[str, Any]) -> list[Item]:
    return [_item(asin, entry) for asin, entry in _entries(record).items()]


def contents_of(record: dict[str, Any]) -> Contents:
    """The contents of the bin as ASIN and quantity, ordered."""
    return tuple(sorted((asin, _whole(entry.get("quantity")) or 0) for asin, entry in _entries(record).items()))


def contradiction(record: dict[str, Any], count: int) -> str | None:
    """How the record contradicts itself or the label `count`, for people; None if it does not."""
    expected = expected_quantity(record)
    listed = sum(quantity for _, quantity in contents_of(record))
    if expected is not None and expected != count:
        return f"the label is {count}, but the record expects {expected}"
    if "BIN_FCSKU_DATA" in record and listed != count:
        return f"the label is {count}, but the record lists {listed}"
    return None


def _entries(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    data = record.get("BIN_FCSKU_DATA")
    return {asin: entry for asin, entry in data.items() if isinstance(entry, dict)} if isinstance(data, dict) else {}


def _item(asin: str, entry: dict[str, Any]) -> Item:
    sides = [_measure(entry.get(name), _INCHES) for name in ("length", "width", "height")]
    known = sorted((side for side in sides if side is not None), reverse=True)
    return Item(
        asin=asin,
        name=str(entry.get("name") or ""),
        quantity=_whole(entry.get("quantity")) or 0,
        sides=(known[0], known[1], known[2]) if len(known) == 3 else None,
        weight=_measure(entry.get("weight"), _POUNDS),
    )


def _measure(entry: Any, units: dict[str, float]) -> float | None:
    if not isinstance(entry, dict) or entry.get("unit") not in units:
        return None
    value = entry.get("value")
    return value * units[entry["unit"]] if isinstance(value, int | float) and value > 0 else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
