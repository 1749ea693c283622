"""The result of each photo of the demo, and the order in which a person should look at them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bintally.domain.bins import bin_id_of
from bintally.domain.image import Status
from bintally.domain.intervals import number_text
from bintally.domain.verdicts import OrderLine, Verdict

from bincli.count_text import count_probabilities, interval_text_of, volume_of_record
from bincli.verdicts import NOT_ORDERED, attention

UNREADABLE = str(Verdict.UNREADABLE)


@dataclass(frozen=True)
class Result:
    """The result of one photo, or with `photo` None, of an ordered bin without one.

    `count` and `at_least` are those of the prediction; `probabilities` are `bincli.count_text.count_probabilities`.
    `volume_l` is the estimated volume of its items in litres.
    """

    bin_id: str
    verdict: str
    photo: Path | None = None
    consignment_id: str | None = None
    expected: int | None = None
    count: int | None = None
    confidence: float | None = None
    probabilities: Mapping[int, float] = field(default_factory=dict)
    reason: str = ""
    interval: str = ""
    at_least: int | None = None
    risk: float | None = None
    volume_l: float | None = None

    @property
    def count_text(self) -> str:
        """`3`, `6+`, or `-` without a count."""
        return number_text(self.count, self.at_least)


@dataclass(frozen=True)
class Totals:
    """The totals of one demo. `seconds` run from the first upload to the last count."""

    images: int
    counted: int
    rejected: int
    unaccounted: int
    seconds: float
    verdicts: Mapping[str, int]

    @property
    def images_per_second(self) -> float:
        return self.images / self.seconds if self.seconds else 0.0


def riskiest_first(results: Iterable[Result]) -> list[Result]:
    """In the order in which a person should look at them; then by bin."""
    return sorted(results, key=lambda one: (attention(one.verdict, one.risk), one.bin_id))


def join(
    photos: Mapping[str, Path], entries: Mapping[str, Mapping[str, Any]], lines: Iterable[OrderLine]
) -> list[Result]:
    """One result for each photo (by key), and one for each ordered bin without a photo.

    `entries` are the ledger's items by key. If several lines order a bin, the one that needs attention first counts.
    """
    ordered: dict[str, OrderLine] = {}
    for line in sorted(lines, key=lambda one: attention(one.verdict, one.risk), reverse=True):
        ordered[line.bin_id] = line
    results = [_result(path, entries.get(key, {}), ordered, key) for key, path in photos.items()]
    seen = {result.bin_id for result in results}
    return results + [_without_photo(line) for bin_id, line in ordered.items() if bin_id not in seen]


def _result(path: Path, entry: Mapping[str, Any], ordered: Mapping[str, OrderLine], key: str) -> Result:
    bin_id = entry.get("bin_id", bin_id_of(key))
    line = ordered.get(bin_id)
    not_counted = entry.get("status") not in (None, Status.COUNTED)
    volume = volume_of_record(entry)
    return Result(
        bin_id=bin_id,
        verdict=str(line.verdict) if line else UNREADABLE if not_counted else NOT_ORDERED,
        photo=path,
        consignment_id=line.consignment_id if line else None,
        expected=line.expected if line else None,
        count=int(entry["count"]) if "count" in entry else None,
        confidence=float(entry["confidence"]) if "confidence" in entry else None,
        probabilities=count_probabilities(entry),
        interval=interval_text_of(entry),
        at_least=int(entry["at_least"]) if "at_least" in entry else None,
        risk=line.risk if line else None,
        volume_l=volume.litres if volume else None,
        reason=(entry.get("reason") or (line.reason if line else "")) if entry else "Not in the ledger.",
    )


def _without_photo(line: OrderLine) -> Result:
    return Result(
        bin_id=line.bin_id,
        verdict=str(line.verdict),
        consignment_id=line.consignment_id,
        expected=line.expected,
        count=line.counted,
        reason=line.reason,
        at_least=line.counted_at_least,
        risk=line.risk,
    )
