"""The canary: a few drawn photos and an order under reserved names, to prove that a stack counts and judges.

Nothing else may use these names. Whoever listens to the stack's events can tell the canary's by them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bintally.domain.bins import bin_id_of
from bintally.domain.image import TERMINAL, LedgerEntry, Status
from bintally.domain.verdicts import OrderLine, Verdict

PREFIX = "bintally-canary-"  # of its keys and bins
CONSIGNMENT = "bintally-canary"
ORDERS_KEY = "bintally-canary/orders.csv"
JUDGED = frozenset({Verdict.MATCH, Verdict.SHORT, Verdict.OVER, Verdict.UNCERTAIN})


@dataclass(frozen=True)
class CanaryPhoto:
    """A bin of the canary, and how many boxes are drawn in its photo."""

    bin_id: str
    boxes: int

    @property
    def key(self) -> str:
        """Folder and file both name the bin, so that most patterns for keys find it."""
        return f"{self.bin_id}/{self.bin_id}.jpg"


PHOTOS = tuple(CanaryPhoto(f"{PREFIX}{boxes}", boxes) for boxes in (1, 2, 3))


def order_file() -> bytes:
    """An order, CSV, that expects of each bin what is drawn in its photo."""
    rows = [f"{CONSIGNMENT},{photo.bin_id},{photo.boxes}" for photo in PHOTOS]
    return "\n".join(["consignment_id,bin_id,expected", *rows, ""]).encode()


def is_canary(key: str) -> bool:
    """Whether a key or bin id is reserved for the canary."""
    return key.startswith(PREFIX)


def misread_keys(find: Callable[[str], str]) -> list[tuple[str, str]]:
    """The canary's keys that a stack takes for photos of other bins, each with that bin. `find` as for `bin_id_of`."""
    bins = [(photo, bin_id_of(photo.key, find)) for photo in PHOTOS]
    return [(photo.key, bin_id) for photo, bin_id in bins if bin_id != photo.bin_id]


def is_settled(entry: LedgerEntry | None) -> bool:
    return entry is not None and entry.status in TERMINAL


def faults_of_photos(entries: Mapping[str, LedgerEntry | None]) -> list[str]:
    """What is wrong with photos that should be counted by now, by key."""
    return [f"{key}: {_fault(entry)}" for key, entry in entries.items() if not _is_counted(entry)]


def _is_counted(entry: LedgerEntry | None) -> bool:
    return entry is not None and entry.status is Status.COUNTED


def _fault(entry: LedgerEntry | None) -> str:
    if entry is None:
        return "not in the ledger. S3 has not announced it, or intake has not registered it"
    if entry.status in TERMINAL:
        return f"{entry.status}: {entry.reason}"
    return f"still {entry.status}" + (f", in job {entry.job_id}" if entry.job_id else "")


def faults_of_lines(lines: Iterable[OrderLine]) -> list[str]:
    """What is wrong with order lines that should be judged by now."""
    found = {line.bin_id: line for line in lines}
    return [f"{bin_id}: {fault}" for bin_id in (photo.bin_id for photo in PHOTOS) if (fault := _doubt(found, bin_id))]


def _doubt(lines: Mapping[str, OrderLine], bin_id: str) -> str:
    line = lines.get(bin_id)
    if line is None:
        return "has no order line"
    return "" if line.verdict in JUDGED else f"{line.verdict}: {line.reason}"
