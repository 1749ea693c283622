"""Another count of photos that are counted already."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bintally.domain.batches import batched
from bintally.domain.image import LedgerEntry
from bintally.domain.times import iso
from bintally.usecases.ports import Ledger

BATCH = 1_000


def recount(ledger: Ledger, entries: Sequence[LedgerEntry], *, now: datetime) -> set[str]:
    """Send COUNTED images through the ledger's states once more; the ids of those that go.

    They wait for the scheduled submit like new ones. Until the new count, table and bin keep the old one, and for good
    if there is no new one after `max_attempts`. A bin that has a newer image keeps that one's count. Safe to run
    concurrently: an image that moved since it was read is left alone.
    """
    moved: set[str] = set()
    for part in batched(entries, BATCH):
        moved |= ledger.recount(part, iso(now))
    return moved
