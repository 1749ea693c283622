"""Bins: the bin that an image shows, and the result of its newest image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath

from bintally.domain.image import Image
from bintally.domain.intervals import Interval
from bintally.domain.names import fault_of_bin_id, normalised
from bintally.domain.volume import Volume


def bin_id_of(key: str, find: Callable[[str], str] = lambda _: "") -> str:
    """The id of the bin that the object `key` shows, normalised so that it equals the id in orders.

    `find` returns the bin id of a key, or "" if it finds none. In that case the bin is the folder of the file, or the
    file name without its extension if there is no folder.
    """
    found = find(key) or _folder_or_stem(key)
    normal = normalised(found)
    return found if fault_of_bin_id(normal) else normal  # NFC triples some characters, which may exceed the limit


def _folder_or_stem(key: str) -> str:
    parts = [part for part in key.split("/") if part]
    if len(parts) > 1:
        return parts[-2]
    return PurePosixPath(parts[0]).stem or parts[0] if parts else key


class BinStatus(StrEnum):
    """COUNTED: the newest image was counted. UNREADABLE: it could not be counted, and `reason` says why."""

    COUNTED = "COUNTED"
    UNREADABLE = "UNREADABLE"


@dataclass(frozen=True)
class HumanCount:
    """What a person decided about the newest image of a bin. `count` is None if the photo does not show it.

    `people` is how many people say the same about the image, this one included.
    """

    decision_id: str
    count: int | None
    who: str
    decided_at: str
    people: int = 1


@dataclass(frozen=True)
class BinCount:
    """The result of a bin's newest image. `revision` increases by one with each change and is 0 before the first write.

    The model's fields are those of `domain.manifest.Prediction`. An UNREADABLE bin has neither `count` nor `at_least`.
    `answered` is False if the model never examined the image; a late result for the same image then replaces this one.
    `recounts` is that of the image when it was counted: a recount of the same image replaces an earlier count.
    `human` stands beside the model's fields, until a newer image. `source` says whose count is valid: model or human.
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
    recounts: int = 0
    volume: Volume | None = None
    human: HumanCount | None = None

    @property
    def bin_id(self) -> str:
        return self.image.bin_id

    @property
    def class_probabilities(self) -> dict[int, float]:
        """The probability of each count in the model's range. Together with `empty` and `over_range` they sum to 1."""
        inside = 1 - (self.empty or 0) - (self.over_range or 0)
        return {count: probability * inside for count, probability in sorted(self.probabilities.items())}


def is_newer(image: Image, other: Image) -> bool:
    """Whether `image` was uploaded after `other`: by sequencer for the same key, by time (then key) for two keys."""
    if image.key == other.key:
        return image.sequencer > other.sequencer
    return (image.captured_at, image.key) > (other.captured_at, other.key)


def replaces(count: BinCount, held: BinCount) -> bool:
    """Whether `count` replaces `held`: its image is newer, or it is a recount or the late result of the same one."""
    if count.image.image_id == held.image.image_id:  # what a person decided about it stays
        return count.answered and (not held.answered or count.recounts > held.recounts)
    return is_newer(count.image, held.image)


def newest_of_each_bin(counts: Iterable[BinCount]) -> dict[str, BinCount]:
    """The count of the newest image of each bin, by bin id."""
    newest: dict[str, BinCount] = {}
    for count in counts:
        held = newest.get(count.bin_id)
        if held is None or is_newer(count.image, held.image):
            newest[count.bin_id] = count
    return newest
