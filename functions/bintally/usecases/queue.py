"""The queue of the desk: bins whose photos wait for a look, each leased to one person at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Protocol

from bintally.domain.attention import Group
from bintally.domain.bins import BinCount
from bintally.domain.queue import LEASE, Lease, is_probable, wants_second_look
from bintally.domain.times import iso
from bintally.domain.verdicts import OrderLine

PER_PAGE = 100  # lines whose bins are examined at a time
MAX_PAGES = 20  # in which probable matches are looked for
Key = tuple[str, str]


class QueuedLines(Protocol):
    """The index of the lines that wait for people."""

    def queued(self, group: Group) -> Iterable[tuple[str, str]]:
        """The keys of the lines of a group, in the order of their rank. Changes of the last seconds may be missing."""

    def of_bins(self, bin_ids: Collection[str]) -> set[tuple[str, str]]:
        """The keys of the lines that name one of these bins."""

    def read(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], OrderLine]:
        """The lines with these keys that exist; strongly consistent."""


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
        free = _free(stores, bin_ids, who, iso(now))
        others_have_some = others_have_some or len(free) < len(bin_ids)
        while free and len(found) < limit:
            wanted, free = free[: limit - len(found)], free[limit - len(found) :]
            found += _take(stores, [Lease(bin_id, who, until) for bin_id in wanted], iso(now), second_look)
        if len(found) == limit:
            return Leased(tuple(found), until, more=True)
    return Leased(tuple(found), until, others_have_some)


def probable_bins(stores: QueueStores, who: str, limit: int, *, now: datetime, without: Collection[str] = ()) -> Leased:
    """Lease bins to a person whose photo probably shows what each of their orders expects, and these expect the same.

    They are in the order of the queue, `without` those that the person has left for the review. Nobody else gets them
    meanwhile, as with `next_bins`.
    """
    until = iso(now + LEASE)
    found: list[BinCount] = []
    for keys in islice(_batches(stores.orders.queued(Group.LOOK)), MAX_PAGES):
        lines = stores.orders.read(keys)
        others = {line.bin_id for line in lines.values() if not is_probable(line)}
        others |= {*without, *(count.bin_id for count in found)}  # a bin may have lines on several pages
        bin_ids = [each for each in dict.fromkeys(bin_id for _, bin_id in keys) if each not in others]
        free = _free(stores, bin_ids, who, iso(now))
        while free and len(found) < limit:
            wanted, free = free[: limit - len(found)], free[limit - len(found) :]
            taken = _take(stores, [Lease(bin_id, who, until) for bin_id in wanted], iso(now), second_look=False)
            found += _with_probable_lines(stores, taken, who)
        if len(found) == limit:
            return Leased(tuple(found), until, more=True)
    return Leased(tuple(found), until, more=False)


def _free(stores: QueueStores, bin_ids: Sequence[str], who: str, now: str) -> list[str]:
    """Those of these bins that nobody else has open."""
    leases = stores.leases.read(bin_ids)
    return [each for each in bin_ids if each not in leases or not leases[each].keeps_out(who, now)]


def _with_probable_lines(stores: QueueStores, counts: Sequence[BinCount], who: str) -> list[BinCount]:
    """Those of these bins whose lines are all probable, of all pages of the queue; the others are given back."""
    lines = stores.orders.read(stores.orders.of_bins([count.bin_id for count in counts])).values()
    found = []
    for count in counts:
        own = [line for line in lines if line.bin_id == count.bin_id and line.attention]
        if own and all(map(is_probable, own)) and len({line.expected for line in own}) == 1:
            found.append(count)
    if others := {count.bin_id for count in counts} - {count.bin_id for count in found}:
        stores.leases.release(others, who)
    return found


def _batches(keys: Iterable[Key]) -> Iterator[list[Key]]:
    lines = iter(keys)
    while page := list(islice(lines, PER_PAGE)):
        yield page


def _pages(keys: Iterable[Key]) -> Iterator[list[str]]:
    """The bins of the lines, each once, some at a time."""
    seen: set[str] = set()
    for page in _batches(keys):
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
