"""What was done at the desk on a day, what still waits, and what the audits of the last weeks say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Protocol

from bintally.domain.attention import Group
from bintally.domain.decisions import Decision
from bintally.domain.desk_day import Figures, bounds_of, figures
from bintally.domain.jobs import EngineName, InFlight
from bintally.domain.quality import Quality, quality_of
from bintally.domain.times import iso

MAX_WAITING = 10_000  # at which counting ends
AUDIT_DAYS = 30  # each is one query


class DecisionsOfDays(Protocol):
    """The decisions table."""

    def between(self, begins: str, ends: str) -> Sequence[Decision]:
        """The decisions from `begins` to before `ends`, the oldest first. Those of the last seconds may be missing."""


class CountedLines(Protocol):
    """The consignments table."""

    def count_queued(self, group: Group, limit: int) -> int:
        """How many lines a group has. Counting ends at `limit`."""


class CountedPhotos(Protocol):
    """The ledger."""

    def count_pending(self, now: str, limit: int) -> int:
        """How many photos no job holds and are due. Counting ends at `limit`."""


class CountedJobs(Protocol):
    """The jobs table."""

    def in_flight(self, engine: EngineName) -> InFlight:
        """The unfinished jobs of an engine."""


class DayStores(Protocol):
    """What these use cases read."""

    @property
    def decisions(self) -> DecisionsOfDays: ...

    @property
    def orders(self) -> CountedLines: ...

    @property
    def ledger(self) -> CountedPhotos: ...

    @property
    def jobs(self) -> CountedJobs: ...


@dataclass(frozen=True)
class Today:
    """`look` and `act` are lines that wait, at most MAX_WAITING. `pending` and `in_flight` are photos to be counted.

    `minutes` is how long the looks will take at the speed of today; None if nobody's is known.
    """

    day: str
    look: int
    act: int
    pending: int
    in_flight: int
    figures: Figures
    minutes: float | None


def today(stores: DayStores, *, now: datetime, zone: tzinfo) -> Today:
    """The day of the site that it is now."""
    day = now.astimezone(zone).date()
    found = figures(decisions_of(stores.decisions, day, zone))
    look = stores.orders.count_queued(Group.LOOK, MAX_WAITING)
    return Today(
        day=day.isoformat(),
        look=look,
        act=stores.orders.count_queued(Group.ACT, MAX_WAITING),
        pending=stores.ledger.count_pending(iso(now), MAX_WAITING),
        in_flight=sum(stores.jobs.in_flight(engine).images for engine in EngineName),
        figures=found,
        minutes=None if found.seconds_median is None else round(look * found.seconds_median / 60, 1),
    )


def decisions_of(decisions: DecisionsOfDays, day: date, zone: tzinfo) -> Sequence[Decision]:
    """The decisions of a day of the site."""
    return decisions.between(*bounds_of(day, zone))


def audited(decisions: DecisionsOfDays, *, now: datetime, zone: tzinfo) -> Quality:
    """The quality of the site by the audits of the last AUDIT_DAYS. It doesn't compare them with the model's counts."""
    day = now.astimezone(zone).date()
    begins, ends = bounds_of(day - timedelta(days=AUDIT_DAYS - 1), zone)[0], bounds_of(day, zone)[1]
    return quality_of(decisions.between(begins, ends), {})
