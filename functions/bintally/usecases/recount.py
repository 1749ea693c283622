"""Count images again that are already counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bintally.domain.batches import batched
from bintally.domain.errors import ConflictError, NotFoundError
from bintally.domain.image import LedgerEntry, Status
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


def recount_photo(ledger: Ledger, bin_id: str, image_id: str, *, now: datetime) -> None:
    """Have the model count one photo of a bin again. What people decided about it stays. Raises DecisionError."""
    entry = ledger.read([image_id]).get(image_id)
    if entry is None or entry.image.bin_id != bin_id:
        raise NotFoundError(f"Bin {bin_id} has no such photo.")
    if entry.status is not Status.COUNTED or not recount(ledger, [entry], now=now):
        raise ConflictError("The photo is being counted now, or its count failed.")
