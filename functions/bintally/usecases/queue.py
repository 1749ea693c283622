"""The queue of the desk: bins whose photos wait for a look, each leased to one person at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Protocol

from bintally.domain.attention import Group
from bintally.domain.bins import BinCount
from bintally.domain.queue import LEASE, Lease, wants_second_look
from bintally.domain.times import iso

PER_PAGE = 100  # lines whose bins are examined at a time


class QueuedLines(Protocol):
    """The index of the lines that wait for people."""

    def queued(self, group: Group) -> Iterable[tuple[str, str]]:
        """The keys of the lines of a group, in the order of their rank. Changes of the last seconds may be missing."""


class QueuedBins(Protocol):
    """The bins table."""

    def read(self, bin_ids: Collection[str]) -> dict[str, BinCount]:
        """The counts of those bins that have one, by bin id; strongly consistent."""


class Leases(Protocol):
    """Who has which bin open."""

    def read(self, bin_ids: Collection[str]) -> Mapping[str, Lease]:
        """The leases of these bins, also those that have ended; strongly consistent."""

    def take(self, wanted: Collection[Lease], now: str) -> set[str]:
        """Lease bins, or renew leases of the same person; the bins taken. Of several people one gets a bin."""

    def release(self, bin_ids: Collection[str], who: str) -> set[str]:
        """End the leases that this person has; the bins released."""


class QueueStores(Protocol):
    """What this use case depends on."""

    @property
    def orders(self) -> QueuedLines: ...

    @property
    def bins(self) -> QueuedBins: ...

    @property
    def leases(self) -> Leases: ...


@dataclass(frozen=True)
class Leased:
    """Bins that a person has open until a time (ISO 8601, UTC). `more`: lines behind them wait, or others have them."""

    counts: tuple[BinCount, ...]
    until: str
    more: bool


def next_bins(stores: QueueStores, who: str, limit: int, *, now: datetime, second_look: bool = False) -> Leased:
    """Lease the next bins to a person, in the order of the queue; those that they have open already are among them.

    Nobody else gets a bin before its lease ends. A bin is read after it is leased, so one that somebody has just
    decided about is left out, although the index still names it. With `second_look`, another person gets it.
    """
    until = iso(now + LEASE)
    found: list[BinCount] = []
    others_have_some = False
    for bin_ids in _pages(stores.orders.queued(Group.LOOK)):
        leases = stores.leases.read(bin_ids)
        free = [each for each in bin_ids if each not in leases or not leases[each].keeps_out(who, iso(now))]
        others_have_some = others_have_some or len(free) < len(bin_ids)
        while free and len(found) < limit:
            wanted, free = free[: limit - len(found)], free[limit - len(found) :]
            found += _take(stores, [Lease(bin_id, who, until) for bin_id in wanted], iso(now), second_look)
        if len(found) == limit:
            return Leased(tuple(found), until, more=True)
    return Leased(tuple(found), until, others_have_some)


def _pages(keys: Iterable[tuple[str, str]]) -> Iterator[list[str]]:
    """The bins of the lines, each once, some at a time."""
    seen: set[str] = set()
    lines = iter(keys)
    while page := list(islice(lines, PER_PAGE)):
        fresh = list(dict.fromkeys(bin_id for _, bin_id in page if bin_id not in seen))
        seen.update(fresh)
        if fresh:
            yield fresh


def _take(stores: QueueStores, wanted: Sequence[Lease], now: str, second_look: bool) -> list[BinCount]:
    """The bins that were leased and that still wait for this person, in the order wanted."""
    taken = stores.leases.take(wanted, now)
    counts = stores.bins.read(taken)
    who = wanted[0].who
    waiting = {bin_id for bin_id, count in counts.items() if _waits_for(who, count, second_look)}
    if done := taken - waiting:
        stores.leases.release(done, who)
    return [counts[lease.bin_id] for lease in wanted if lease.bin_id in waiting]


def _waits_for(who: str, count: BinCount, second_look: bool) -> bool:
    return count.human is None or (second_look and count.human.who != who and wants_second_look(count))
