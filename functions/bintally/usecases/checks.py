"""Show people photos once more that were counted already, and keep what they say beside everything else."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bintally.domain.attention import Group
from bintally.domain.bins import BinCount
from bintally.domain.checks import (
    CHECK_DAYS,
    Check,
    check_id_of,
    in_random_order,
    is_drawn,
    known_count,
    search_from,
)
from bintally.domain.decisions import HUMAN, Decision, fault_of
from bintally.domain.errors import DecisionError, NotFoundError
from bintally.domain.times import iso
from bintally.usecases.ports import Bins, Orders

CANDIDATES = 50  # decisions that one search reads
TRIED = 10  # of these, how many bins are read


class Checks(Protocol):
    """The checks table."""

    def put(self, check: Check) -> None:
        """Write an answer. A later answer to the same check on the same day replaces it."""

    def between(self, begins: str, ends: str) -> Sequence[Check]:
        """The answers from `begins` to before `ends`, the oldest first; strongly consistent."""


class CheckableDecisions(Protocol):
    """The decisions table."""

    def first(self, begins: str, ends: str, limit: int) -> Sequence[Decision]:
        """At most `limit` decisions from `begins` to before `ends`, the oldest first."""

    def of_bin(self, bin_id: str) -> Sequence[Decision]:
        """All decisions about photos of a bin; strongly consistent."""


class CheckStores(Protocol):
    """What these use cases depend on."""

    @property
    def bins(self) -> Bins: ...

    @property
    def orders(self) -> Orders: ...

    @property
    def decisions(self) -> CheckableDecisions: ...

    @property
    def checks(self) -> Checks: ...


@dataclass(frozen=True)
class Asked:
    """A bin to ask a person about. `after` is "", or for a check the image that it follows in the queue."""

    count: BinCount
    after: str = ""


def with_checks(
    stores: CheckStores, counts: Sequence[BinCount], who: str, *, share: float, now: datetime
) -> Iterator[Asked]:
    """The bins of the queue, a `share` of them followed by one to check. A person gets the same ones when asking again.

    What is checked is a bin of the last days that shows a person's count and waits for nobody. Where there is none,
    nothing is checked.
    """
    for count in counts:
        yield Asked(count)
        after = count.image.image_id
        check_id = check_id_of(who, after)
        if is_drawn(check_id, share) and (found := _checkable(stores, check_id, {each.bin_id for each in counts}, now)):
            yield Asked(found, after)


def _checkable(stores: CheckStores, check_id: str, asked: Collection[str], now: datetime) -> BinCount | None:
    begins, ends = search_from(check_id, now)
    earliest = iso(now - timedelta(days=CHECK_DAYS))
    found = stores.decisions.first(begins, ends, CANDIDATES) or stores.decisions.first(earliest, ends, CANDIDATES)
    images = {each.bin_id: each.image_id for each in in_random_order(check_id, found) if each.bin_id not in asked}
    bin_ids = list(images)[:TRIED]
    counts = stores.bins.read(bin_ids)
    for bin_id in bin_ids:
        count = counts.get(bin_id)
        if count and count.source == HUMAN and count.image.image_id == images[bin_id] and not _waits(stores, bin_id):
            return count
    return None


def _waits(stores: CheckStores, bin_id: str) -> bool:
    """Whether the queue has the bin, so that it will be asked about anyway."""
    lines = stores.orders.read(stores.orders.of_bins([bin_id])).values()
    return any(line.attention and line.attention.group is Group.LOOK for line in lines)


def answer_check(stores: CheckStores, answer: Decision, after: str, *, share: float, now: datetime) -> Check:
    """Store what a person says about a photo that was counted already; what it is compared with.

    `answer` is as for `decide`, without an id. Safe to repeat. Raises DecisionError: for a check that nobody was asked,
    and if no count of the photo stands any more.
    """
    check_id = check_id_of(answer.who, after)
    if not is_drawn(check_id, share):
        raise NotFoundError("Nobody asked for this check.")
    if fault := fault_of(answer):
        raise DecisionError(fault)
    known = known_count(stores.decisions.of_bin(answer.bin_id), answer.image_id, answer.who)
    if known is None:
        raise NotFoundError(f"Nobody's count of this photo of bin {answer.bin_id} stands any more.")
    about = answer.bin_id, answer.image_id, answer.who
    check = Check(check_id, *about, iso(now), answer.count, answer.seconds, *known)
    stores.checks.put(check)
    return check


def recent_checks(checks: Checks, *, now: datetime) -> Sequence[Check]:
    """The answers of the last CHECK_DAYS, the oldest first."""
    return checks.between(iso(now - timedelta(days=CHECK_DAYS)), iso(now + timedelta(seconds=1)))
