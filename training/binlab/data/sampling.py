"""Choices that never change: shuffles by a hash, groups of images that may show the same bin, and the split."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Protocol, TypeVar

from binlab.data.records import Contents

T = TypeVar("T")

SHARES = {"test": 0.12, "validation": 0.132}  # the rest is train; without test, train to validation is 85 to 15
FINAL_SHARES = {"test": 0.12, "validation": 0.044}  # of a final run: a third of validation stays, to calibrate on


def shuffled(names: Iterable[str], seed: int) -> list[str]:
    """In an order that depends only on the seed and each name, so that added names leave the others in order."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())


def even_shares(number: int, classes: Sequence[int]) -> dict[int, int]:
    """How many of each class make `number` in total; the first classes get the remainder."""
    return {label: number // len(classes) + (place < number % len(classes)) for place, label in enumerate(classes)}


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


class Described(Protocol):
    """What grouping needs to know of an image."""

    @property
    def id(self) -> str: ...
    @property
    def count(self) -> int: ...
    @property
    def contents(self) -> Contents: ...


def group_images(images: Sequence[Described], hashes: Mapping[str, str | None]) -> dict[str, str]:
    """Each image's id and the smallest id of its group. `hashes` are difference hashes, None for undecodable images.

    A group holds images with the same contents or the same hash, and neighbours by id that share an item: these often
    show one bin before and after a stow or a pick. An image without a record is grouped with its neighbours.
    """
    groups = _Groups()
    by_hash: dict[str, str] = {}
    by_contents: dict[Contents, str] = {}
    for image in images:
        if value := hashes[image.id]:
            groups.join(image.id, by_hash.setdefault(value, image.id))
        if image.contents:
            groups.join(image.id, by_contents.setdefault(image.contents, image.id))
    for one, other in _neighbours(images):
        if not one.contents or not other.contents or _items(one) & _items(other):
            groups.join(one.id, other.id)
    return {image.id: groups.head(image.id) for image in images}


def _items(image: Described) -> set[str]:
    return {asin for asin, _ in image.contents}


def _neighbours(images: Sequence[Described]) -> list[tuple[Described, Described]]:
    """Pairs whose ids, as numbers, are one or two apart."""
    by_number: dict[int, list[Described]] = defaultdict(list)
    numbered = [image for image in images if image.id.isdecimal()]
    for image in numbered:
        by_number[int(image.id)].append(image)
    return [(one, other) for one in numbered for step in (1, 2) for other in by_number.get(int(one.id) + step, [])]


def final_split_of(split: str, group: str) -> str:
    """The split of an image in a final run, from its usual one: two thirds of the validation groups go to train."""
    return split_of(group, FINAL_SHARES) if split == "validation" else split


def split_of(group: str, shares: Mapping[str, float] = SHARES) -> str:
    """`train`, `validation` or `test`, from a hash of the group's smallest id."""
    place = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") / 2**64
    for split, share in shares.items():
        if place < share:
            return split
        place -= share
    return "train"


class _Groups:
    """Disjoint sets of ids, each identified by its smallest id."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def head(self, item: str) -> str:
        while (parent := self._parent.get(item, item)) != item:
            item = parent
        return item

    def join(self, one: str, other: str) -> None:
        low, high = sorted((self.head(one), self.head(other)))
        self._parent[high] = low
