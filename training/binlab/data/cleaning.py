"""Which photographs a model should not learn from, each with the reason and, for a duplicate, what it duplicates.

Looking nearly alike is not enough to be thrown out: neighbouring photographs often show one bin before and after an
item was put in or taken, and both counts are right. Photographs that can be told apart by their record stay. Empty and
fuller bins stay as well: training uses them.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from binmodel.images import ImageError, decode

from binlab.data.dataset import Photo, read_photos, record_path
from binlab.data.looks import difference_hash_of, pairs_alike, perceptual_hash
from binlab.data.records import contradiction, read_record

ALIKE = 4  # bits of 64: on the Amazon Bin Image Dataset, pairs of equal contents up to here show one bin twice


@dataclass(frozen=True)
class Seen:
    """A photograph that was opened: SHA-256 of its bytes and its two hashes, or the `problem` that it has."""

    photo: Photo
    sha256: str
    look: str | None = None
    hash: int | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Excluded:
    """`reason` is one word for programs; `detail` says it for a person and begins with the other id where there is one.

    Reasons: unlabelled, undecodable, contradictory, duplicate (equal bytes), alike (equal contents, looks alike),
    balance (its class has enough).
    """

    id: str
    reason: str
    detail: str


def see(photo: Photo) -> Seen:
    data = photo.path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    try:
        return Seen(photo, digest, difference_hash_of(data), perceptual_hash(decode(data, side=64)))
    except ImageError as error:
        return Seen(photo, digest, problem=f"{error.code}: {error.message}")


def unlabelled(root: Path) -> list[Excluded]:
    labelled = {photo.id for photo in read_photos(root)}
    ids = sorted(path.stem for path in (root / "bin-images").glob("*.jpg") if path.stem not in labelled)
    return [Excluded(name, "unlabelled", _why_unlabelled(record_path(root, name))) for name in ids]


def _why_unlabelled(record: Path) -> str:
    if not record.exists():
        return "no metadata and not in labels.csv"
    return "the metadata has no EXPECTED_QUANTITY" if read_record(record) else "the metadata is not a JSON object"


def exclusions(seen: Sequence[Seen], root: Path, alike: int = ALIKE) -> list[Excluded]:
    """Who of `seen` (ordered by id) is left out; of photographs that duplicate each other the smallest id stays.

    `alike` is how many of 64 bits of the perceptual hash may differ between photographs of equal contents.
    """
    out = {found.id: found for found in _broken(seen, root)}
    for rule in (_equal_bytes, _equal_looks):
        found = list(rule([one for one in seen if one.photo.id not in out]))
        out.update({each.id: each for each in found})
    out.update({each.id: each for each in _look_alike([one for one in seen if one.photo.id not in out], alike)})
    return sorted(out.values(), key=lambda each: each.id)


def _broken(seen: Sequence[Seen], root: Path) -> Iterator[Excluded]:
    for one in seen:
        if one.problem:
            yield Excluded(one.photo.id, "undecodable", one.problem)
        elif why := contradiction(read_record(record_path(root, one.photo.id)), one.photo.count):
            yield Excluded(one.photo.id, "contradictory", why)


def _equal_bytes(seen: Sequence[Seen]) -> Iterator[Excluded]:
    groups: dict[str, list[Seen]] = defaultdict(list)
    for one in seen:
        groups[one.sha256].append(one)
    for same in groups.values():
        first = same[0].photo
        if len({one.photo.count for one in same}) > 1:
            yield from _against_each_other([one.photo for one in same], "the same file")
        else:
            yield from (Excluded(one.photo.id, "duplicate", f"{first.id}: the same file") for one in same[1:])


def _equal_looks(seen: Sequence[Seen]) -> Iterator[Excluded]:
    """Where two photographs can't be told apart and the counts differ, one is wrong, and nobody knows which."""
    groups: dict[tuple[str | None, int | None], list[Photo]] = defaultdict(list)
    for one in seen:
        groups[one.look, one.hash].append(one.photo)
    for same in groups.values():
        if len({photo.count for photo in same}) > 1:
            yield from _against_each_other(same, "looks the same")


def _against_each_other(photos: Sequence[Photo], how: str) -> Iterator[Excluded]:
    for photo in photos:
        other = next(each for each in photos if each.count != photo.count)
        detail = f"{other.id}: {how}, labelled {other.count} there and {photo.count} here"
        yield Excluded(photo.id, "contradictory", detail)


def _look_alike(seen: Sequence[Seen], alike: int) -> Iterator[Excluded]:
    gone: set[str] = set()
    for one, other, bits in pairs_alike(np.array([each.hash for each in seen], dtype=np.uint64), alike):
        first, second = seen[one].photo, seen[other].photo
        if gone & {first.id, second.id} or not _same_bin(seen[one], seen[other]):
            continue
        gone.add(second.id)
        yield Excluded(second.id, "alike", f"{first.id}: the same bin, {bits} of 64 bits of the look differ")


def _same_bin(one: Seen, other: Seen) -> bool:
    if one.photo.contents and other.photo.contents:
        return one.photo.contents == other.photo.contents
    # Without a record only pictures that nothing tells apart: two empty bins look alike and are two bins.
    return one.photo.count == other.photo.count and (one.look, one.hash) == (other.look, other.hash)
