"""Count images again that are already counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bintally.domain.batches import batched
from bintally.domain.image import LedgerEntry
from bintally.domain.times import iso
from bintally.usecases.ports import Ledger

BATCH = 1_000


def recount(ledger: Ledger, entries: Sequence[LedgerEntry], *, now: datetime) -> set[str]:
    """Move COUNTED images back to RECEIVED, for another count; the ids of those moved.

    The scheduled submit assigns them to jobs like new images. Ledger and bin keep the old count until there is a new
    one, and for good if there is none after `max_attempts`. A bin with a newer image keeps the count of that image.
    Safe to run concurrently: an image that moved since it was read is left alone.
    """
    moved: set[str] = set()
    for part in batched(entries, BATCH):
        moved |= ledger.recount(part, iso(now))
    return moved
