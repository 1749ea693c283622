"""What a bin's photo is compared with: its order lines, and the verdicts that follow from a count of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Protocol

from bintally.domain.bins import BinCount
from bintally.domain.times import iso
from bintally.domain.verdicts import OrderLine, Verdict, VerdictRules, line_verdict


class LinesOfBins(Protocol):
    """The consignments table."""

    def read(self, keys: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], OrderLine]:
        """The lines with these (consignment id, bin id), by that key; strongly consistent."""

    def of_bins(self, bin_ids: Collection[str]) -> set[tuple[str, str]]:
        """The keys of the lines that name one of these bins."""


def lines_of_bins(orders: LinesOfBins, bin_ids: Collection[str]) -> list[OrderLine]:
    """The lines of these bins that are still ordered, in the order of their consignments."""
    found = orders.read(orders.of_bins(bin_ids)).values()
    return sorted((line for line in found if line.verdict is not Verdict.WITHDRAWN), key=lambda line: line.key)


def judged(
    lines: Collection[OrderLine], count: BinCount | None, *, now: datetime, rules: VerdictRules, zone: tzinfo
) -> list[OrderLine]:
    """The lines with the verdicts that `count` gives them now, before the stream has brought it to the table."""
    return [_judged(line, count, iso(now), rules, zone) for line in lines]


def _judged(line: OrderLine, count: BinCount | None, now: str, rules: VerdictRules, zone: tzinfo) -> OrderLine:
    found = line_verdict(line, count, now=now, rules=rules, zone=zone)
    numbers = {"counted": found.counted, "counted_at_least": found.counted_at_least, "odds": found.odds}
    return replace(line, verdict=found.verdict, reason=found.reason, overdue=found.overdue, **numbers)  # type: ignore[arg-type]
