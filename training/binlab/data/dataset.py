"""The Amazon Bin Image Dataset in its public layout, and a split that never changes.

Layout: `bin-images/<id>.jpg` and `metadata/<id>.json` (https://registry.opendata.aws/amazon-bin-imagery/), and
optionally `labels.csv` with the columns `id,count`, for images without metadata. Or the layout of `bintally labels
export`: `labels.csv` with the columns `image,count,weight`, where `image` is the path of a file below the folder. A
folder that prepare.py made also has `manifest.csv`, which lists every image with its split, so that nothing needs to be
decoded or hashed again.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from binlab.data.perceptual_hash import difference_hash_or_none
from binlab.data.records import Contents, contents_of, expected_quantity, read_record
from binlab.data.sampling import SHARES, final_split_of, group_images, split_of

CLASSES = (1, 2, 3, 4, 5)
EMPTY, OVER_RANGE = 0, CLASSES[-1] + 1  # out of range: no item, or more than the last class
MANIFEST = "manifest.csv"


@dataclass(frozen=True)
class LabelledImage:
    """One image: its id (a string: `523` and `00523` differ), its file, the recorded count, and its contents.

    `contents` are the products in the record, as ASIN and quantity; empty without a record.
    """

    id: str
    path: Path
    count: int
    contents: Contents


@dataclass(frozen=True)
class Row:
    """A line of `manifest.csv`. `group` is the smallest id of its group; the size is in pixels, upright."""

    id: str
    count: int
    split: str
    group: str
    sha256: str
    width: int
    height: int
    contents: Contents


def image_path(root: Path, image_id: str) -> Path:
    return root / "bin-images" / f"{image_id}.jpg"


def record_path(root: Path, image_id: str) -> Path:
    return root / "metadata" / f"{image_id}.json"


def read_images(root: Path) -> list[LabelledImage]:
    """Every labelled image under `root`, ordered by id. Raises FileNotFoundError if there are none."""
    rows = read_manifest(root)
    if rows is not None:
        return [LabelledImage(row.id, image_path(root, row.id), row.count, row.contents) for row in rows]
    if exported := read_exported(root):
        return exported
    labels = read_labels(root)
    images = []
    for path in sorted((root / "bin-images").glob("*.jpg")):
        record = read_record(record_path(root, path.stem))
        count = labels.get(path.stem, expected_quantity(record))
        if count is not None:
            images.append(LabelledImage(path.stem, path, count, contents_of(record)))
    if not images:
        raise FileNotFoundError(
            f"No labelled photos under {root}. It must contain bin-images/*.jpg and metadata/*.json; "
            "collect.py downloads such a folder. Or it is a folder that `bintally labels export` has written."
        )
    return images


def read_exported(root: Path) -> list[LabelledImage]:
    """What `bintally labels export` wrote, ordered by id; empty if the folder is of another layout.

    The weight of a photo is left out: it makes the figures of a site right, and training balances the classes itself.
    A recalibration uses it. Raises ValueError if a path leads out of the folder.
    """
    path = root / "labels.csv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        lines = csv.DictReader(file)
        rows = list(lines) if "image" in (lines.fieldnames or ()) else []
    for row in rows:
        if not (root / row["image"]).resolve().is_relative_to(root.resolve()):
            raise ValueError(f"{path} names {row['image']!r}, which is not below {root}.")
    found = [LabelledImage(Path(row["image"]).stem, root / row["image"], int(row["count"]), ()) for row in rows]
    return sorted(found, key=lambda image: image.id)


def read_labels(root: Path) -> dict[str, int]:
    """Id and count from `labels.csv`; empty without the file."""
    path = root / "labels.csv"
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["id"]: int(row["count"]) for row in csv.DictReader(file)}


def read_split(
    root: Path, counts: Callable[[int], bool] = CLASSES.__contains__, *, final: bool = False
) -> dict[str, list[LabelledImage]]:
    """The images whose count `counts` accepts, as `train`, `test` and `validation`, each ordered by id.

    The split of an image does not depend on `counts`: it was decided by prepare.py, or is decided among all images.
    With `final`, most of the validation images are in `train`, as `train.py --final` explains; `test` is the same.
    """
    images = read_images(root)
    rows = read_manifest(root)
    placed = place_images(images) if rows is None else {row.id: (row.split, row.group) for row in rows}
    splits = {name: final_split_of(*place) if final else place[0] for name, place in placed.items()}
    return {
        split: [image for image in images if splits[image.id] == split and counts(image.count)]
        for split in ("train", *SHARES)
    }


def split_of_model(root: Path, facts: Mapping[str, Any]) -> dict[str, list[LabelledImage]]:
    """All images, split as they were for a model. `facts` are its training.json, or `data` of its model.json."""
    return read_split(root, lambda _: True, final=bool(facts.get("final")))


def place_images(images: Iterable[LabelledImage]) -> dict[str, tuple[str, str]]:
    """Each id, its split and its group; images that may show one bin are in one group, a group in one split."""
    images = list(images)
    groups = group_images(images, {image.id: difference_hash_or_none(image.path) for image in images})
    return {image_id: (split_of(group), group) for image_id, group in groups.items()}


def out_of_range(count: int) -> bool:
    return count <= EMPTY or count >= OVER_RANGE


def class_of(count: int) -> int:
    """The count as an output of the network: OVER_RANGE stands for itself and all above."""
    return max(EMPTY, min(count, OVER_RANGE))


def data_hash(split: dict[str, list[LabelledImage]]) -> str:
    """SHA-256 of every image's split, id, count and bytes: equal if a model saw the same data."""
    digest = hashlib.sha256()
    for name, images in sorted(split.items()):
        for image in images:
            content = hashlib.sha256(image.path.read_bytes()).hexdigest()
            digest.update(f"{name} {image.id} {image.count} {content}\n".encode())
    return digest.hexdigest()


def read_manifest(root: Path) -> list[Row] | None:
    """The rows, ordered by id; None if `root` was not prepared. Raises ValueError for an unknown format."""
    path = root / MANIFEST
    if not path.exists():
        return None
    with path.open(newline="", encoding="utf-8") as file:
        lines = csv.DictReader(file)
        if lines.fieldnames != [field.name for field in fields(Row)]:
            raise ValueError(f"{path} has other columns than this version of prepare.py writes. Run prepare.py again.")
        return [_row(line) for line in lines]


def manifest_text(rows: Iterable[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Row)], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        contents = " ".join(f"{asin}:{quantity}" for asin, quantity in row.contents)
        writer.writerow({**asdict(row), "contents": contents})
    return text.getvalue()


def _row(line: dict[str, str]) -> Row:
    contents = (item.rpartition(":") for item in line["contents"].split())
    return Row(
        id=line["id"],
        count=int(line["count"]),
        split=line["split"],
        group=line["group"],
        sha256=line["sha256"],
        width=int(line["width"]),
        height=int(line["height"]),
        contents=tuple((asin, int(quantity)) for asin, _, quantity in contents),
    )
