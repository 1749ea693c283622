"""The Amazon Bin Image Dataset in its public layout, and a split that is the same for ever.

Layout: `bin-images/<id>.jpg`, `metadata/<id>.json` (https://registry.opendata.aws/amazon-bin-imagery/), and, where
there is one, `labels.csv` with the columns `id,count`, for photographs whose metadata is missing. A folder that
`prepare.py` made has `manifest.csv` as well, which says all of it without opening a photograph.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from binlab.data.grouping import SHARES, group_photos, side_of
from binlab.data.looks import look_of
from binlab.data.manifest import read_manifest
from binlab.data.records import Contents, contents_of, expected_quantity, read_record

CLASSES = (1, 2, 3, 4, 5)
EMPTY, FULLER = 0, CLASSES[-1] + 1  # what is out of range: no item, or more than the last class


@dataclass(frozen=True)
class Photo:
    """One photograph: its id (a string: `523` and `00523` differ), its file, the record's count, and its contents.

    `contents` lists what the record says is in the bin, as ASIN and quantity; empty where there is no record.
    """

    id: str
    path: Path
    count: int
    contents: Contents


def photo_path(root: Path, photo_id: str) -> Path:
    return root / "bin-images" / f"{photo_id}.jpg"


def record_path(root: Path, photo_id: str) -> Path:
    return root / "metadata" / f"{photo_id}.json"


def read_photos(root: Path) -> list[Photo]:
    """Every labelled photograph under `root`, ordered by id. Raises FileNotFoundError when there are none."""
    rows = read_manifest(root)
    if rows is not None:
        return [Photo(row.id, photo_path(root, row.id), row.count, row.contents) for row in rows]
    labels = read_labels(root)
    photos = []
    for path in sorted((root / "bin-images").glob("*.jpg")):
        record = read_record(record_path(root, path.stem))
        count = labels.get(path.stem, expected_quantity(record))
        if count is not None:
            photos.append(Photo(path.stem, path, count, contents_of(record)))
    if not photos:
        raise FileNotFoundError(f"No labelled photographs under {root}: expected bin-images/*.jpg and metadata/*.json.")
    return photos


def read_labels(root: Path) -> dict[str, int]:
    """From id to count, of `labels.csv`; empty where there is none."""
    path = root / "labels.csv"
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["id"]: int(row["count"]) for row in csv.DictReader(file)}


def read_split(root: Path, counts: Callable[[int], bool] = CLASSES.__contains__) -> dict[str, list[Photo]]:
    """The photographs under `root` with a count that `counts` accepts: `train`, `validation`, `test`, ordered by id.

    A photograph's side does not depend on `counts`: it is decided among all photographs, or was by `prepare.py`.
    """
    photos = read_photos(root)
    rows = read_manifest(root)
    sides = split_groups(photos) if rows is None else {row.id: row.side for row in rows}
    return {
        side: [photo for photo in photos if sides[photo.id] == side and counts(photo.count)]
        for side in ("train", *SHARES)
    }


def out_of_range(count: int) -> bool:
    return count <= EMPTY or count >= FULLER


def class_of(count: int) -> int:
    """What a count is to the network: itself, or FULLER."""
    return max(EMPTY, min(count, FULLER))


def split_groups(photos: Iterable[Photo]) -> dict[str, str]:
    """From photograph id to `train`, `validation` or `test`, photographs that may show the same bin on one side."""
    photos = list(photos)
    groups = group_photos(photos, {photo.id: look_of(photo.path) for photo in photos})
    return {photo_id: side_of(group) for photo_id, group in groups.items()}


def data_hash(split: dict[str, list[Photo]]) -> str:
    """SHA-256 over every photograph's side, id, count and bytes: equal where a model saw the same data."""
    digest = hashlib.sha256()
    for side, photos in sorted(split.items()):
        for photo in photos:
            content = hashlib.sha256(photo.path.read_bytes()).hexdigest()
            digest.update(f"{side} {photo.id} {photo.count} {content}\n".encode())
    return digest.hexdigest()
