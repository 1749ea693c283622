"""From collected photos to the folder that training reads: cleaned, resized, balanced, split and listed."""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from binmodel.images import decode
from PIL import ExifTags, Image

from binlab.data.cleaning import HASH_DISTANCE, Excluded, Inspected, exclusions, inspect, unlabelled
from binlab.data.dataset import (
    MANIFEST,
    LabelledImage,
    Row,
    class_of,
    image_path,
    manifest_text,
    read_images,
    read_manifest,
    record_path,
)
from binlab.data.files import copy_if_changed, csv_text, write_if_changed, write_whole
from binlab.data.sampling import SHARES, group_images, shuffled, split_of

EXCLUDED, SETTINGS = "excluded.csv", "prepared.json"
FULL = 1 << 20  # more pixels a side than any photo has: decode at full size
QUALITY = 92
Progress = Callable[[Iterable[Any], str, int], Iterable[Any]]


@dataclass(frozen=True)
class Settings:
    """`side`: pixels of the shorter side. `balance`: at most so many images of each class in train (None: all).

    `hash_distance`: bits of the perceptual hash that near duplicates may differ in.
    """

    side: int = 256
    balance: int | None = None
    hash_distance: int = HASH_DISTANCE
    seed: int = 7


@dataclass(frozen=True)
class Prepared:
    """An image in the prepared folder, in upright pixels; `written` is False if it was there already."""

    sha256: str
    width: int
    height: int
    written: bool


def no_progress(items: Iterable[Any], what: str, total: int) -> Iterable[Any]:  # noqa: ARG001
    return items


def prepare(
    data: Path, out: Path, settings: Settings, *, workers: int = 2, progress: Progress = no_progress
) -> dict[str, Any]:
    """Make `out` from `data`, writing only what is missing or changed. Returns a summary.

    Raises FileNotFoundError if `data` has no labelled image, ValueError if it is a prepared folder.
    """
    if data.resolve() == out.resolve() or (data / MANIFEST).exists():
        raise ValueError(f"{data} is already prepared. --data takes the folder that collect.py filled.")
    images = read_images(data)
    with ThreadPoolExecutor(workers) as pool:
        inspected = list(progress(pool.map(inspect, images), "inspect", len(images)))
        groups = group_images(images, {each.image.id: each.difference_hash for each in inspected})
        excluded = [*unlabelled(data), *exclusions(inspected, data, settings.hash_distance)]
        kept = _without(images, excluded)
        excluded += over_balance(kept, groups, settings)
        kept = _without(kept, excluded)
        for folder in ("bin-images", "metadata"):
            (out / folder).mkdir(parents=True, exist_ok=True)
        _remove_stale(out, {image.id for image in kept})

        def make(image: LabelledImage) -> Prepared:
            _copy_record(data, out, image.id)
            return prepare_image(image.path, image_path(out, image.id), settings.side)

        made = list(progress(pool.map(make, kept), "resize", len(kept)))
    rows = [_row(image, groups[image.id], each) for image, each in zip(kept, made, strict=True)]
    summary = summarise(inspected, rows, excluded, settings)
    _write_lists(out, rows, excluded, summary)
    return {**summary, "written": sum(each.written for each in made)}


def over_balance(images: Sequence[LabelledImage], groups: dict[str, str], settings: Settings) -> list[Excluded]:
    """Images in train beyond `balance` of a class, chosen by the seed. Empty and over the range are classes too."""
    if settings.balance is None:
        return []
    classes: dict[int, list[str]] = defaultdict(list)
    for image in images:
        if split_of(groups[image.id]) == "train":
            classes[class_of(image.count)].append(image.id)
    return [
        Excluded(name, "balance", f"train has {settings.balance} others of class {label}")
        for label, names in sorted(classes.items())
        for name in sorted(shuffled(names, settings.seed)[settings.balance :])
    ]


def summarise(
    inspected: Sequence[Inspected], rows: Sequence[Row], excluded: Sequence[Excluded], settings: Settings
) -> dict[str, Any]:
    splits = {split: Counter(class_of(row.count) for row in rows if row.split == split) for split in ("train", *SHARES)}
    return {
        "images": len(inspected),
        "kept": len(rows),
        "excluded": dict(sorted(Counter(each.reason for each in excluded).items())),
        "splits": {split: {str(label): counts[label] for label in sorted(counts)} for split, counts in splits.items()},
        "settings": asdict(settings),
    }


def files_to_upload(out: Path) -> Iterator[Path]:
    """Every file of a prepared folder, the manifest last: a reader that finds it finds everything it lists."""
    for row in read_manifest(out) or []:
        yield image_path(out, row.id)
        if (record := record_path(out, row.id)).exists():
            yield record
    yield from (out / name for name in ("labels.csv", EXCLUDED, SETTINGS, MANIFEST))


def _without(images: Sequence[LabelledImage], excluded: Sequence[Excluded]) -> list[LabelledImage]:
    gone = {each.id for each in excluded}
    return [image for image in images if image.id not in gone]


def _remove_stale(out: Path, kept: set[str]) -> None:
    """Remove what an earlier run wrote and this one excludes; nothing else."""
    for row in read_manifest(out) or []:
        if row.id not in kept:
            image_path(out, row.id).unlink(missing_ok=True)
            record_path(out, row.id).unlink(missing_ok=True)


def _copy_record(data: Path, out: Path, image_id: str) -> None:
    if (record := record_path(data, image_id)).exists():
        copy_if_changed(record, record_path(out, image_id))


def _row(image: LabelledImage, group: str, made: Prepared) -> Row:
    return Row(image.id, image.count, split_of(group), group, made.sha256, made.width, made.height, image.contents)


def _write_lists(out: Path, rows: list[Row], excluded: list[Excluded], summary: dict[str, Any]) -> None:
    """The manifest last: a folder that has one is complete."""
    write_if_changed(out / SETTINGS, json.dumps(summary, indent=2) + "\n")
    write_if_changed(out / EXCLUDED, csv_text([("id", "reason", "detail"), *map(astuple, excluded)]))
    write_if_changed(out / "labels.csv", csv_text([("id", "count"), *((row.id, row.count) for row in rows)]))
    write_if_changed(out / MANIFEST, manifest_text(rows))


def prepare_image(source: Path, target: Path, side: int) -> Prepared:
    """Write `source`, resized, to `target`, unless it is there with the right size and modification time."""
    written = not _is_current(source, target, side)
    if written:
        write_whole(target, resized(source.read_bytes(), side), source.stat().st_mtime_ns)
    return Prepared(hashlib.sha256(target.read_bytes()).hexdigest(), *upright_size(target), written)


def _is_current(source: Path, target: Path, side: int) -> bool:
    if not target.exists() or target.stat().st_mtime_ns != source.stat().st_mtime_ns:
        return False
    return upright_size(target) == fit_size(*upright_size(source), side)


def resized(data: bytes, side: int) -> bytes:
    """The image with a shorter side of `side` pixels as an upright JPEG; the same bytes if it is not larger.

    Raises binmodel.images.ImageError.
    """
    image = decode(data, side=FULL)
    size = fit_size(*image.size, side)
    if size == image.size:
        return data  # a second JPEG compression would only lose detail
    out = io.BytesIO()
    image.resize(size, Image.Resampling.LANCZOS).save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def fit_size(width: int, height: int, side: int) -> tuple[int, int]:
    """The size with a shorter side of at most `side`, and the same aspect ratio to a pixel."""
    scale = min(1.0, side / min(width, height))
    return round(width * scale), round(height * scale)


def upright_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels after the EXIF rotation, from the header alone."""
    with Image.open(path) as image:
        width, height = image.size
        rotated = image.getexif().get(ExifTags.Base.Orientation, 1) >= 5  # 5 to 8 are turned by a quarter
    return (height, width) if rotated else (width, height)
