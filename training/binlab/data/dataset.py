"""The Amazon Bin Image Dataset in its public layout, and a split that is the same for ever.

Layout: `bin-images/<id>.jpg`, `metadata/<id>.json` (https://registry.opendata.aws/amazon-bin-imagery/), and, where
there is one, `labels.csv` with the columns `id,count`, for photographs whose metadata is missing.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from binmodel.images import decode

CLASSES = (1, 2, 3, 4, 5)
SHARES = {"test": 0.12, "validation": 0.12}  # the rest is train


@dataclass(frozen=True)
class Photo:
    """One photograph: its id (a string: `523` and `00523` differ), its file, the record's count, and its contents.

    `contents` lists what the record says is in the bin, as ASIN and quantity; empty where there is no record.
    """

    id: str
    path: Path
    count: int
    contents: tuple[tuple[str, int], ...]


def read_photos(root: Path) -> list[Photo]:
    """Every labelled photograph under `root`, ordered by id. Raises FileNotFoundError when there are none."""
    labels = _labels(root / "labels.csv")
    photos = []
    for path in sorted((root / "bin-images").glob("*.jpg")):
        record = _record(root / "metadata" / f"{path.stem}.json")
        count = labels.get(path.stem, record.get("EXPECTED_QUANTITY"))
        if count is not None:
            photos.append(Photo(path.stem, path, int(count), _contents(record)))
    if not photos:
        raise FileNotFoundError(f"No labelled photographs under {root}: expected bin-images/*.jpg and metadata/*.json.")
    return photos


def _labels(path: Path) -> dict[str, int]:
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {row["id"]: int(row["count"]) for row in csv.DictReader(file)}


def _record(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.exists() else {}


def _contents(record: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    items = record.get("BIN_FCSKU_DATA") or {}
    return tuple(sorted((asin, int(item.get("quantity") or 0)) for asin, item in items.items()))


def read_split(root: Path) -> dict[str, list[Photo]]:
    """The photographs under `root` whose count is one of CLASSES: `train`, `validation` and `test`, ordered by id."""
    photos = [photo for photo in read_photos(root) if photo.count in CLASSES]
    sides = split_groups(photos)
    return {side: [photo for photo in photos if sides[photo.id] == side] for side in ("train", *SHARES)}


def split_groups(photos: Iterable[Photo]) -> dict[str, str]:
    """From photograph id to `train`, `validation` or `test`, photographs that may show the same bin on one side.

    Together are photographs with the same contents, or that look the same (equal difference hash), or that lack a
    record and are neighbours by id with the same count: neighbouring ids often show one bin twice. The side is decided
    by a hash of the group's smallest id.
    """
    groups = _Groups()
    by_sight: dict[str, str] = {}
    by_contents: dict[tuple[tuple[str, int], ...], str] = {}
    by_number: dict[int, list[Photo]] = defaultdict(list)
    photos = list(photos)
    for photo in photos:
        groups.join(photo.id, by_sight.setdefault(difference_hash(photo.path), photo.id))
        if photo.contents:
            groups.join(photo.id, by_contents.setdefault(photo.contents, photo.id))
        by_number[int(photo.id)].append(photo)
    for photo in photos:
        for step in (1, 2):
            for other in by_number.get(int(photo.id) + step, []):
                if photo.count == other.count and not (photo.contents and other.contents):
                    groups.join(photo.id, other.id)
    return {photo.id: _side(groups.head(photo.id)) for photo in photos}


def data_hash(split: dict[str, list[Photo]]) -> str:
    """SHA-256 over every photograph's side, id, count and bytes: equal where a model saw the same data."""
    digest = hashlib.sha256()
    for side, photos in sorted(split.items()):
        for photo in photos:
            content = hashlib.sha256(photo.path.read_bytes()).hexdigest()
            digest.update(f"{side} {photo.id} {photo.count} {content}\n".encode())
    return digest.hexdigest()


def difference_hash(path: Path) -> str:
    """64 bits, each whether a pixel of the 9 x 8 grey thumbnail is darker than its right neighbour, as hex."""
    grey = np.asarray(decode(path.read_bytes(), side=32).convert("L").resize((9, 8)))
    return np.packbits(grey[:, :-1] < grey[:, 1:]).tobytes().hex()


def _side(group: str) -> str:
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
