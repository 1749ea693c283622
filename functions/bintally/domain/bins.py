"""Bins: which one a photograph shows, and what is known of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath

from bintally.domain.image import Image
from bintally.domain.intervals import Interval
from bintally.domain.names import fault_of_bin_id, normalised


def bin_id_of(key: str, find: Callable[[str], str] = lambda _: "") -> str:
    """The bin that the object `key` shows, its id normalised so that it meets the same id in orders.

    `find` is the operator's way from a key to its bin. Where that finds none, "", the bin is the folder that holds the
    file, or else the file's name without its extension.
    """
    found = find(key) or _place_of(key)
    normal = normalised(found)
    return found if fault_of_bin_id(normal) else normal  # NFC triples some characters: too long for a table


def _place_of(key: str) -> str:
    parts = [part for part in key.split("/") if part]
    if len(parts) > 1:
        return parts[-2]
    return PurePosixPath(parts[0]).stem or parts[0] if parts else key


class BinStatus(StrEnum):
    """COUNTED: the latest photograph was counted. UNREADABLE: it could not be, and `reason` says why."""

    COUNTED = "COUNTED"
    UNREADABLE = "UNREADABLE"


@dataclass(frozen=True)
class BinCount:
    """What the latest photograph of a bin says. `revision` grows by one with each change, 0 before the first write.

    What the model said is as in `domain.manifest.Prediction`; an UNREADABLE bin has neither `count` nor `at_least`. Not
    `answered` is a photograph that the model did not get to see; it gives way to an answer that comes after all.
    """

    image: Image
    status: BinStatus
    count: int | None = None
    confidence: float | None = None
    probabilities: Mapping[int, float] = field(default_factory=dict)
    model: str = ""
    reason: str = ""
    source: str = "model"
    revision: int = 0
    empty: float | None = None
    over_range: float | None = None
    interval: Interval | None = None
    answered: bool = True
    code: str = ""
    at_least: int | None = None

    @property
    def bin_id(self) -> str:
        return self.image.bin_id

    @property
    def shares(self) -> dict[int, float]:
        """The probability of each count that the model knows. With `empty` and `over_range` they sum to 1."""
        inside = 1 - (self.empty or 0) - (self.over_range or 0)
        return {count: share * inside for count, share in sorted(self.probabilities.items())}


def is_newer(image: Image, other: Image) -> bool:
    """Whether `image` was put after `other`: by sequencer for one key, by time (then key) between keys."""
    if image.key == other.key:
        return image.sequencer > other.sequencer
    return (image.captured_at, image.key) > (other.captured_at, other.key)


def replaces(count: BinCount, held: BinCount) -> bool:
    """Whether a bin that holds `held` takes `count`: a newer photograph, or an answer where the same one had none."""
    if count.image.image_id == held.image.image_id:
        return count.answered and not held.answered
    return is_newer(count.image, held.image)


def newest_of_each_bin(counts: Iterable[BinCount]) -> dict[str, BinCount]:
    """From bin id to the count of its newest photograph."""
    newest: dict[str, BinCount] = {}
    for count in counts:
        held = newest.get(count.bin_id)
        if held is None or is_newer(count.image, held.image):
            newest[count.bin_id] = count
    return newest
