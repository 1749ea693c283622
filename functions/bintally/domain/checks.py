"""Checks: photos that people have counted are shown to a person once more, to measure how far counts can be trusted.

The answer to a check changes nothing else: no count, verdict, label or audit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bintally.domain.decisions import Decision, standing
from bintally.domain.queue import AGREEING
from bintally.domain.times import iso

CHECK_DAYS = 7  # how old a decision may be that is checked, and how long answers are shown
REPEAT_AFTER = timedelta(minutes=15)  # so that nobody just remembers the photo
KEPT = timedelta(days=90)  # how long the table keeps an answer
DRAWS = 2**64


class Basis(StrEnum):
    """Whom an answer is compared with. KNOWN: two or more people who agreed. OTHER: one person. OWN: oneself."""

    KNOWN = "known"
    OTHER = "other"
    OWN = "own"


@dataclass(frozen=True)
class Check:
    """What a person said about a photo that was counted already. `count` is None if the person can't tell.

    `known` is the count that stood then, and `basis` whose it is.
    """

    check_id: str
    bin_id: str
    image_id: str
    who: str
    at: str
    count: int | None
    seconds: float | None
    known: int
    basis: Basis

    @property
    def is_same(self) -> bool:
        return self.count == self.known


@dataclass(frozen=True)
class Agreement:
    """Answers with a count, and how many of these are the known one. `cannot_tell` are those without a count."""

    answered: int
    same: int
    cannot_tell: int


def check_id_of(who: str, after: str) -> str:
    """The id of the check that a person may get after the image `after` of the queue."""
    return hashlib.sha256(f"{who}\0{after}".encode()).hexdigest()[:32]


def is_drawn(check_id: str, share: float) -> bool:
    """Whether this check is one of the `share` of the bins of the queue that are followed by one."""
    return int(check_id[:16], 16) / DRAWS < share


def search_from(check_id: str, now: datetime) -> tuple[str, str]:
    """From when to when (ISO 8601, UTC) to look for a decision to check: from a time at random within CHECK_DAYS."""
    ends = now - REPEAT_AFTER
    begins = now - timedelta(days=CHECK_DAYS)
    return iso(begins + (ends - begins) * (int(check_id[16:], 16) / DRAWS)), iso(ends)


def in_random_order(check_id: str, decisions: Iterable[Decision]) -> list[Decision]:
    """The decisions that can be checked, in an order that depends on the check alone."""

    def place(decision: Decision) -> str:
        return hashlib.sha256(f"{check_id}\0{decision.image_id}".encode()).hexdigest()

    return sorted((each for each in decisions if each.count is not None and not each.undone_by), key=place)


def known_count(decisions: Sequence[Decision], image_id: str, who: str) -> tuple[int, Basis] | None:
    """The count that stands for a photo, and whose it is as `who` sees it. None if nobody has said how many."""
    last = standing(decisions, image_id)
    if last is None or last.count is None:
        return None
    about = (each for each in decisions if each.image_id == image_id and not each.undone_by)
    others = {each.who for each in about if each.count == last.count} - {who}
    if len(others) >= AGREEING:
        return last.count, Basis.KNOWN
    return last.count, Basis.OTHER if others else Basis.OWN


def agreement(checks: Iterable[Check]) -> Agreement:
    """How often these answers were the known ones."""
    found = list(checks)
    counts = [each for each in found if each.count is not None]
    return Agreement(len(counts), sum(each.is_same for each in counts), len(found) - len(counts))
