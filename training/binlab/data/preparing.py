"""From photographs as they were collected to a folder that training reads: cleaned, sized, balanced, split, listed."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from binlab.data.cleaning import Excluded, Seen, exclusions, see, unlabelled
from binlab.data.dataset import Photo, class_of, photo_path, read_photos, record_path
from binlab.data.draws import shuffled
from binlab.data.files import copy_once, table, write_text_once
from binlab.data.grouping import SHARES, group_photos, side_of
from binlab.data.manifest import MANIFEST, Row, manifest_text, read_manifest
from binlab.data.resizing import Prepared, prepare_photo

EXCLUDED, SETTINGS = "excluded.csv", "prepared.json"
Progress = Callable[[Iterable[Any], str, int], Iterable[Any]]


@dataclass(frozen=True)
class Settings:
    """`side`: pixels of the shorter side; `balance`: at most so many of each class in train, None for all of them."""

    side: int = 256
    balance: int | None = None
    alike: int = 4
    seed: int = 7


def silent(items: Iterable[Any], what: str, total: int) -> Iterable[Any]:  # noqa: ARG001
    return items


def prepare(
    data: Path, out: Path, settings: Settings, *, workers: int = 2, progress: Progress = silent
) -> dict[str, Any]:
    """Make `out` from `data`, writing only what is not there yet; what was done, in numbers.

    Raises FileNotFoundError when `data` holds no labelled photograph, ValueError when it was prepared already.
    """
    if data.resolve() == out.resolve() or (data / MANIFEST).exists():
        raise ValueError(f"{data} was prepared already; --data takes the folder as it was collected.")
    photos = read_photos(data)
    with ThreadPoolExecutor(workers) as pool:
        seen = list(progress(pool.map(see, photos), "look", len(photos)))
        groups = group_photos(photos, {one.photo.id: one.look for one in seen})
        excluded = [*unlabelled(data), *exclusions(seen, data, settings.alike)]
        kept = _without(photos, excluded)
        excluded += over_balance(kept, groups, settings)
        kept = _without(kept, excluded)
        for folder in ("bin-images", "metadata"):
            (out / folder).mkdir(parents=True, exist_ok=True)
        _forget(out, {photo.id for photo in kept})

        def make(photo: Photo) -> Prepared:
            _copy_record(data, out, photo.id)
            return prepare_photo(photo.path, photo_path(out, photo.id), settings.side)

        made = list(progress(pool.map(make, kept), "resize", len(kept)))
    rows = [_row(photo, groups[photo.id], one) for photo, one in zip(kept, made, strict=True)]
    summary = summarised(seen, rows, excluded, settings)
    _write_lists(out, rows, excluded, summary)
    return {**summary, "written": sum(one.written for one in made)}


def over_balance(photos: Sequence[Photo], groups: dict[str, str], settings: Settings) -> list[Excluded]:
    """Those in train beyond `balance` of a class, the same ones for one seed. Empty is a class, and so is fuller."""
    if settings.balance is None:
        return []
    classes: dict[int, list[str]] = defaultdict(list)
    for photo in photos:
        if side_of(groups[photo.id]) == "train":
            classes[class_of(photo.count)].append(photo.id)
    return [
        Excluded(name, "balance", f"train has {settings.balance} others of class {label}")
        for label, names in sorted(classes.items())
        for name in sorted(shuffled(names, settings.seed)[settings.balance :])
    ]


def summarised(
    seen: Sequence[Seen], rows: Sequence[Row], excluded: Sequence[Excluded], settings: Settings
) -> dict[str, Any]:
    sides = {side: Counter(class_of(row.count) for row in rows if row.side == side) for side in ("train", *SHARES)}
    return {
        "photographs": len(seen),
        "kept": len(rows),
        "excluded": dict(sorted(Counter(each.reason for each in excluded).items())),
        "sides": {side: {str(label): counts[label] for label in sorted(counts)} for side, counts in sides.items()},
        "settings": asdict(settings),
    }


def _without(photos: Sequence[Photo], excluded: Sequence[Excluded]) -> list[Photo]:
    gone = {each.id for each in excluded}
    return [photo for photo in photos if photo.id not in gone]


def _forget(out: Path, kept: set[str]) -> None:
    """Remove what an earlier run put there and this one leaves out; nothing else."""
    for row in read_manifest(out) or []:
        if row.id not in kept:
            photo_path(out, row.id).unlink(missing_ok=True)
            record_path(out, row.id).unlink(missing_ok=True)


def _copy_record(data: Path, out: Path, photo_id: str) -> None:
    if (record := record_path(data, photo_id)).exists():
        copy_once(record, record_path(out, photo_id))


def _row(photo: Photo, group: str, made: Prepared) -> Row:
    return Row(photo.id, photo.count, side_of(group), group, made.sha256, made.width, made.height, photo.contents)


def _write_lists(out: Path, rows: list[Row], excluded: list[Excluded], summary: dict[str, Any]) -> None:
    """The manifest last: a folder that has one is complete."""
    write_text_once(out / SETTINGS, json.dumps(summary, indent=2) + "\n")
    write_text_once(out / EXCLUDED, table([("id", "reason", "detail"), *map(astuple, excluded)]))
    write_text_once(out / "labels.csv", table([("id", "count"), *((row.id, row.count) for row in rows)]))
    write_text_once(out / MANIFEST, manifest_text(rows))


def files_to_send(out: Path) -> Iterator[Path]:
    """Every file of a prepared folder, the manifest last, so that whoever finds it finds all that it lists."""
    for row in read_manifest(out) or []:
        yield photo_path(out, row.id)
        if (record := record_path(out, row.id)).exists():
            yield record
    yield from (out / name for name in ("labels.csv", EXCLUDED, SETTINGS, MANIFEST))
