"""Which images a model should not learn from, and why.

A similar look is not enough: neighbouring images often show one bin before and after an item was stowed or picked, and
both counts are correct. Images that differ by their record stay. Bins out of range stay too: training uses them.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from binmodel.images import ImageError, decode

from binlab.data.dataset import LabelledImage, read_images, record_path
from binlab.data.perceptual_hash import difference_hash, near_pairs, perceptual_hash
from binlab.data.records import contradiction, read_record

HASH_DISTANCE = 4  # of 64 bits: in the Amazon Bin Image Dataset, such pairs with equal contents show one bin twice


@dataclass(frozen=True)
class Inspected:
    """An image that was opened: SHA-256 of its bytes and its two perceptual hashes, or its `problem`."""

    image: LabelledImage
    sha256: str
    difference_hash: str | None = None
    perceptual_hash: int | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Excluded:
    """`reason` is a code; `detail` explains it for people, and starts with the id of the other image if there is one.

    Reasons: unlabelled, undecodable, contradictory, duplicate (equal bytes), near_duplicate (equal contents, similar
    look), balance (its class has enough).
    """

    id: str
    reason: str
    detail: str


def inspect(image: LabelledImage) -> Inspected:
    data = image.path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    try:
        return Inspected(image, digest, difference_hash(data), perceptual_hash(decode(data, side=64)))
    except ImageError as error:
        return Inspected(image, digest, problem=f"{error.code}: {error.message}")


def unlabelled(root: Path) -> list[Excluded]:
    labelled = {image.id for image in read_images(root)}
    ids = sorted(path.stem for path in (root / "bin-images").glob("*.jpg") if path.stem not in labelled)
    return [Excluded(name, "unlabelled", _why_unlabelled(record_path(root, name))) for name in ids]


def _why_unlabelled(record: Path) -> str:
    if not record.exists():
        return "no metadata and not in labels.csv"
    return "the metadata has no EXPECTED_QUANTITY" if read_record(record) else "the metadata is not a JSON object"


def exclusions(inspected: Sequence[Inspected], root: Path, hash_distance: int = HASH_DISTANCE) -> list[Excluded]:
    """The images of `inspected` (ordered by id) to leave out. Of duplicates, the smallest id stays.

    Images with equal contents are near duplicates if at most `hash_distance` of 64 bits of their hashes differ.
    """
    out = {found.id: found for found in _broken(inspected, root)}
    for rule in (_equal_bytes, _equal_hashes):
        found = list(rule([one for one in inspected if one.image.id not in out]))
        out.update({each.id: each for each in found})
    left = [one for one in inspected if one.image.id not in out]
    out.update({each.id: each for each in _near_duplicates(left, hash_distance)})
    return sorted(out.values(), key=lambda each: each.id)


def _broken(inspected: Sequence[Inspected], root: Path) -> Iterator[Excluded]:
    for one in inspected:
        if one.problem:
            yield Excluded(one.image.id, "undecodable", one.problem)
        elif why := contradiction(read_record(record_path(root, one.image.id)), one.image.count):
            yield Excluded(one.image.id, "contradictory", why)


def _equal_bytes(inspected: Sequence[Inspected]) -> Iterator[Excluded]:
    groups: dict[str, list[Inspected]] = defaultdict(list)
    for one in inspected:
        groups[one.sha256].append(one)
    for same in groups.values():
        first = same[0].image
        if len({one.image.count for one in same}) > 1:
            yield from _against_each_other([one.image for one in same], "the same file")
        else:
            yield from (Excluded(one.image.id, "duplicate", f"{first.id}: the same file") for one in same[1:])


def _equal_hashes(inspected: Sequence[Inspected]) -> Iterator[Excluded]:
    """Of images that look the same and differ in their count, one is wrong, and nothing says which."""
    groups: dict[tuple[str | None, int | None], list[LabelledImage]] = defaultdict(list)
    for one in inspected:
        groups[_hashes(one)].append(one.image)
    for same in groups.values():
        if len({image.count for image in same}) > 1:
            yield from _against_each_other(same, "looks the same")


def _against_each_other(images: Sequence[LabelledImage], how: str) -> Iterator[Excluded]:
    for image in images:
        other = next(each for each in images if each.count != image.count)
        detail = f"{other.id}: {how}, labelled {other.count} there and {image.count} here"
        yield Excluded(image.id, "contradictory", detail)


def _near_duplicates(inspected: Sequence[Inspected], hash_distance: int) -> Iterator[Excluded]:
    gone: set[str] = set()
    hashes = np.array([each.perceptual_hash for each in inspected], dtype=np.uint64)
    for one, other, bits in near_pairs(hashes, hash_distance):
        first, second = inspected[one].image, inspected[other].image
        if gone & {first.id, second.id} or not _same_bin(inspected[one], inspected[other]):
            continue
        gone.add(second.id)
        yield Excluded(second.id, "near_duplicate", f"{first.id}: the same bin, {bits} of 64 hash bits differ")


def _same_bin(one: Inspected, other: Inspected) -> bool:
    if one.image.contents and other.image.contents:
        return one.image.contents == other.image.contents
    # Without a record, only identical hashes: two empty bins look similar and are two bins.
    return one.image.count == other.image.count and _hashes(one) == _hashes(other)


def _hashes(one: Inspected) -> tuple[str | None, int | None]:
    return one.difference_hash, one.perceptual_hash
