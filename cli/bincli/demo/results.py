"""What became of each photograph of the demo, and the order in which a person should look at it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bintally.domain.bins import bin_id_of
from bintally.domain.image import Status
from bintally.domain.intervals import number_text
from bintally.domain.verdicts import OrderLine, Verdict

from bincli.count_text import interval_in, shares_in

UNREADABLE = str(Verdict.UNREADABLE)
NOT_ORDERED = "NOT ORDERED"  # photographed, but no order names the bin
URGENCY = (*Verdict, NOT_ORDERED)


@dataclass(frozen=True)
class Outcome:
    """One photograph (or, with `photograph` None, an ordered bin without one) and what became of it.

    `count` and `at_least` are those of the prediction. `probabilities` are those of each number of items, as
    `bincli.count_text.shares_in` gives them.
    """

    bin_id: str
    verdict: str
    photograph: Path | None = None
    consignment_id: str | None = None
    expected: int | None = None
    count: int | None = None
    confidence: float | None = None
    probabilities: Mapping[int, float] = field(default_factory=dict)
    reason: str = ""
    interval: str = ""
    at_least: int | None = None

    @property
    def number(self) -> str:
        """The count as a person reads it: `3`, `6+`, `-` where there is none."""
        return number_text(self.count, self.at_least)

    @property
    def as_expected(self) -> float:
        """The probability that the bin holds what is expected of it; 0 where nothing is, or nothing is known."""
        return self.probabilities.get(self.expected, 0.0) if self.expected is not None else 0.0


@dataclass(frozen=True)
class Totals:
    """The figures of one drop. `seconds` run from the first put to the last count."""

    images: int
    counted: int
    rejected: int
    unaccounted: int
    seconds: float
    verdicts: Mapping[str, int]

    @property
    def images_per_second(self) -> float:
        return self.images / self.seconds if self.seconds else 0.0


def most_urgent_first(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """By verdict as in `URGENCY`; within one verdict the least probable to be as expected first, then by bin."""
    return sorted(outcomes, key=lambda one: (urgency(one.verdict), one.as_expected, one.bin_id))


def urgency(verdict: str) -> int:
    """The place of a verdict in `URGENCY`; an unknown one comes first, so that it is seen."""
    return URGENCY.index(verdict) if verdict in URGENCY else -1


def tally(verdicts: Iterable[str]) -> dict[str, int]:
    """How many of each verdict there are, most urgent first."""
    counts = Counter(map(str, verdicts))
    return {verdict: counts[verdict] for verdict in sorted(counts, key=urgency)}


def join(
    photographs: Mapping[str, Path], entries: Mapping[str, Mapping[str, Any]], lines: Iterable[OrderLine]
) -> list[Outcome]:
    """One outcome for each dropped photograph (by key), and one for each ordered bin that has none.

    `entries` are the ledger's items by key. Of several orders for a bin, the one that needs attention first counts.
    """
    ordered: dict[str, OrderLine] = {}
    for line in sorted(lines, key=lambda one: -urgency(one.verdict)):
        ordered[line.bin_id] = line
    outcomes = [_outcome(path, entries.get(key, {}), ordered, key) for key, path in photographs.items()]
    seen = {outcome.bin_id for outcome in outcomes}
    return outcomes + [_without_photograph(line) for bin_id, line in ordered.items() if bin_id not in seen]


def _outcome(path: Path, entry: Mapping[str, Any], ordered: Mapping[str, OrderLine], key: str) -> Outcome:
    bin_id = entry.get("bin_id", bin_id_of(key))
    line = ordered.get(bin_id)
    rejected = entry.get("status") not in (None, Status.COUNTED)
    return Outcome(
        bin_id=bin_id,
        verdict=str(line.verdict) if line else UNREADABLE if rejected else NOT_ORDERED,
        photograph=path,
        consignment_id=line.consignment_id if line else None,
        expected=line.expected if line else None,
        count=int(entry["count"]) if "count" in entry else None,
        confidence=float(entry["confidence"]) if "confidence" in entry else None,
        probabilities=shares_in(entry),
        interval=interval_in(entry),
        at_least=int(entry["at_least"]) if "at_least" in entry else None,
        reason=(entry.get("reason") or (line.reason if line else "")) if entry else "Not in the ledger.",
    )


def _without_photograph(line: OrderLine) -> Outcome:
    return Outcome(
        bin_id=line.bin_id,
        verdict=str(line.verdict),
        consignment_id=line.consignment_id,
        expected=line.expected,
        count=line.counted,
        reason=line.reason,
        at_least=line.counted_at_least,
    )
