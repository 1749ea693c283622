"""Where the demo's photos and their labels come from."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

from bincli.errors import CommandError
from bincli.files import files_under, is_folder, natural_key

SAMPLE = 60
COUNTABLE = range(1, 6)
NOT_UPLOADS = ("labels.csv", "metadata")

Fetch = Callable[[Path, int], Mapping[Path, int]]


@dataclass(frozen=True)
class Photo:
    """A file to upload as `key`, and its label: the number of items in the bin by its record, if there is one."""

    path: Path
    key: str
    label: int | None


@dataclass(frozen=True)
class Source:
    """Photos in natural order, and what they are, for people."""

    photos: list[Photo]
    origin: str


class NoPhotosError(CommandError):
    """A folder that should have photos has none."""


def find_photos(
    images: Path | None, limit: int | None, *, dataset: Path, cache: Path, fetch: Fetch, draw: Fetch
) -> Source:
    """The photos in `images`; else a sample of `dataset`; else what `fetch` downloads; else what `draw` draws.

    Only `images` without a limit can be more than SAMPLE. `fetch` and `draw` take a folder and a number and return
    labelled files; `fetch` raises OSError if it can't download any.
    """
    if images is not None:
        return Source(in_folder(images)[:limit], f"from {images}")
    number = SAMPLE if limit is None else limit
    if (dataset / "bin-images").is_dir():
        return Source(balanced(in_folder(dataset), number), f"a balanced sample of {dataset}")
    try:
        fetched = fetch(cache / "photos", number)
        return Source(_labelled(fetched), "of the Amazon Bin Image Dataset (CC BY-NC-SA 3.0 US)")
    except OSError as error:
        drawn = draw(cache / "drawn", number)
        return Source(_labelled(drawn), f"DRAWN, because none could be downloaded: {error}")


def in_folder(folder: Path) -> list[Photo]:
    """Every file below `folder`, or below its `bin-images` where it has that, with its label; keys are relative paths.

    Nothing is left out for its extension: refusing a file that is not a photo is the system's job. Labels come from
    `labels.csv` (`id,count`) or `metadata/<id>.json` (`EXPECTED_QUANTITY`) in `folder` or beside it.
    """
    root = folder / "bin-images" if (folder / "bin-images").is_dir() else folder
    files = [path for path in files_under(root) if path.relative_to(root).parts[0] not in NOT_UPLOADS]
    folders = [path for path in files if is_folder(path)]
    if folders:
        raise CommandError(f"Folder {folders[0]} is a link, or can't be listed. Remove it, or give access to it.")
    if not files:
        raise NoPhotosError(f"There are no files in {root}.")
    listed = {**_listed_labels(root.absolute().parent), **_listed_labels(root)}
    return [Photo(path, path.relative_to(root).as_posix(), _label(path, root, listed)) for path in files]


def balanced(photos: Iterable[Photo], number: int) -> list[Photo]:
    """`number` photos with a label of 1 to 5, evenly over the labels; always the same ones."""
    by_label: dict[int, list[Photo]] = defaultdict(list)
    for photo in sorted(photos, key=lambda one: scattered(one.key)):
        if photo.label is not None and photo.label in COUNTABLE:
            by_label[photo.label].append(photo)
    in_turn = chain.from_iterable(zip_longest(*(by_label[label] for label in sorted(by_label))))
    chosen = [photo for photo in in_turn if photo is not None][:number]
    return sorted(chosen, key=lambda one: natural_key(one.path))


def scattered(text: str) -> str:
    """A sort key that shuffles, in the same way on every machine."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _labelled(labels: Mapping[Path, int]) -> list[Photo]:
    return [Photo(path, path.name, label) for path, label in labels.items()]


def _listed_labels(folder: Path) -> dict[str, int]:
    path = folder / "labels.csv"
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return {row["id"]: int(row["count"]) for row in csv.DictReader(file)}
    except (KeyError, TypeError, ValueError) as error:
        raise CommandError(f"{path} needs the columns id and count, a whole number ({error}).") from error


def _label(path: Path, root: Path, listed: Mapping[str, int]) -> int | None:
    if path.stem in listed:
        return listed[path.stem]
    for folder in (root, root.absolute().parent):
        record = folder / "metadata" / f"{path.stem}.json"
        if record.is_file():
            return json.loads(record.read_bytes()).get("EXPECTED_QUANTITY")  # type: ignore[no-any-return]
    return None
