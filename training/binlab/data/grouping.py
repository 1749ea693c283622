"""Which photographs may show the same bin, and on which side of the split a group is: the same for ever."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol

from binlab.data.records import Contents

SHARES = {"test": 0.12, "validation": 0.132}  # the rest is train: without the test split, 85 to 15


class Described(Protocol):
    """What grouping needs to know of a photograph."""

    @property
    def id(self) -> str: ...
    @property
    def count(self) -> int: ...
    @property
    def contents(self) -> Contents: ...


def group_photos(photos: Sequence[Described], looks: Mapping[str, str | None]) -> dict[str, str]:
    """From photograph id to the smallest id of its group, given how each looks (None for what can't be decoded).

    Together are photographs with the same contents, or that look the same (equal difference hash), or that are
    neighbours by id and share an item: such are often one bin before and after a stow or a pick. What is in a bin
    without a record nobody knows, so it stays with its neighbours.
    """
    groups = _Groups()
    by_sight: dict[str, str] = {}
    by_contents: dict[Contents, str] = {}
    for photo in photos:
        if look := looks[photo.id]:
            groups.join(photo.id, by_sight.setdefault(look, photo.id))
        if photo.contents:
            groups.join(photo.id, by_contents.setdefault(photo.contents, photo.id))
    for one, other in _neighbours(photos):
        if not one.contents or not other.contents or _items(one) & _items(other):
            groups.join(one.id, other.id)
    return {photo.id: groups.head(photo.id) for photo in photos}


def _items(photo: Described) -> set[str]:
    return {asin for asin, _ in photo.contents}


def _neighbours(photos: Sequence[Described]) -> list[tuple[Described, Described]]:
    """Pairs whose ids, as numbers, are one or two apart."""
    by_number: dict[int, list[Described]] = defaultdict(list)
    numbered = [photo for photo in photos if photo.id.isdecimal()]
    for photo in numbered:
        by_number[int(photo.id)].append(photo)
    return [(one, other) for one in numbered for step in (1, 2) for other in by_number.get(int(one.id) + step, [])]


def side_of(group: str) -> str:
    """`train`, `validation` or `test`, by a hash of the group's smallest id."""
    place = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") / 2**64
    for side, share in SHARES.items():
        if place < share:
            return side
        place -= share
    return "train"


class _Groups:
    """Disjoint sets of ids, each headed by its smallest."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def head(self, item: str) -> str:
        while (parent := self._parent.get(item, item)) != item:
            item = parent
        return item

    def join(self, one: str, other: str) -> None:
        low, high = sorted((self.head(one), self.head(other)))
        self._parent[high] = low
