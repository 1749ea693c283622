"""Which photos are counted again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bintally.domain.image import LedgerEntry, Status


@dataclass(frozen=True)
class Selection:
    """COUNTED images for which all of these hold; what is empty holds for every image.

    In one of `bins`, with a key that starts with `prefix`, not counted by the model `not_model` (its name with or
    without the architecture), and uploaded at `since` or later (ISO 8601, as `times.iso` writes it).
    """

    bins: Collection[str] = ()
    prefix: str = ""
    not_model: str = ""
    since: str = ""

    def includes(self, entry: LedgerEntry) -> bool:
        image = entry.image
        return (
            entry.status is Status.COUNTED
            and (not self.bins or image.bin_id in self.bins)
            and image.key.startswith(self.prefix)
            and not (self.not_model and self.not_model in (entry.model, entry.model.rpartition("@")[2]))
            and image.captured_at >= self.since
        )
