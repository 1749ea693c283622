"""What is taken out of a stack, read page by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import chain
from typing import Any

from bintally.domain.adjustments import Adjustment, adjustments
from bintally.domain.canary import CONSIGNMENT
from bintally.domain.decisions import Decision
from bintally.domain.sheets import ADJUSTMENTS, COUNTS, DECISIONS, LINES, Sheet, Value
from bintally.domain.times import iso

from bincli.deployment import Deployment


class Content(StrEnum):
    LINES = "lines"
    COUNTS = "counts"
    DECISIONS = "decisions"
    ADJUSTMENTS = "adjustments"


DATED = frozenset({Content.DECISIONS, Content.ADJUSTMENTS})
SHEETS: dict[Content, Sheet[Any]] = {
    Content.LINES: LINES,
    Content.COUNTS: COUNTS,
    Content.DECISIONS: DECISIONS,
    Content.ADJUSTMENTS: ADJUSTMENTS,
}


@dataclass(frozen=True)
class Days:
    """The days (UTC) from `first` to `last`, both included. None: without an end."""

    first: date | None = None
    last: date | None = None

    def includes(self, when: str) -> bool:
        day = when[:10]
        return (not self.first or day >= self.first.isoformat()) and (not self.last or day <= self.last.isoformat())

    def decisions(self, deployment: Deployment, now: datetime) -> Iterator[Decision]:
        """The decisions since `first`, also those behind `last`."""
        if self.first is None:
            return deployment.decisions.all()
        number = (now.astimezone(UTC).date() - self.first).days + 1
        days = (self.first + timedelta(days=each) for each in range(max(number, 0)))
        return chain.from_iterable(deployment.decisions.between(*_bounds(day)) for day in days)


def _bounds(day: date) -> tuple[str, str]:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return iso(midnight), iso(midnight + timedelta(days=1))


def rows_of(deployment: Deployment, content: Content, days: Days, now: datetime) -> Iterable[list[Value]]:
    """The rows of `SHEETS[content]`. What the smoke test of `bintally smoke` left behind is not among the lines."""
    if content is Content.LINES:
        return (LINES.row(line) for line in deployment.orders.all() if line.consignment_id != CONSIGNMENT)
    if content is Content.COUNTS:
        return map(COUNTS.row, deployment.bins.all())
    if content is Content.DECISIONS:
        found = days.decisions(deployment, now)
        return (DECISIONS.row(each) for each in found if days.includes(each.decided_at))
    return map(ADJUSTMENTS.row, adjustments_of(deployment, days, now))


def adjustments_of(deployment: Deployment, days: Days, now: datetime) -> list[Adjustment]:
    """Those of the days. A decision that a later one replaced is in none."""
    found = adjustments(days.decisions(deployment, now))
    return [each for each in found if days.includes(each.when)]
