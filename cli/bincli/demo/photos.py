"""Where the demo's photographs and their labels come from."""

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
class Photograph:
    """A file to drop under `key`, and the number of items that its record says is in the bin, where there is one."""

    path: Path
    key: str
    label: int | None


@dataclass(frozen=True)
class Source:
    """Photographs in natural order, and a sentence for people that says what they are."""

    photographs: list[Photograph]
    origin: str


class NoPhotographsError(CommandError):
    """A place that should hold photographs holds none."""


def find_photographs(
    images: Path | None, limit: int | None, *, dataset: Path, cache: Path, fetch: Fetch, draw: Fetch
) -> Source:
    """The photographs in `images`; else a sample of `dataset`; else what `fetch` brings; else what `draw` draws.

    Only `images` without a limit may be more than SAMPLE. `fetch` and `draw` take a folder and a number and give
    labelled files; `fetch` raises OSError when the photographs are not to be had.
    """
    if images is not None:
        return Source(in_folder(images)[:limit], f"the photographs in {images}")
    number = SAMPLE if limit is None else limit
    if (dataset / "bin-images").is_dir():
        return Source(balanced(in_folder(dataset), number), f"a balanced sample of the photographs in {dataset}")
    try:
        fetched = fetch(cache / "photographs", number)
        return Source(_labelled(fetched), "photographs of the Amazon Bin Image Dataset (CC BY-NC-SA 3.0 US)")
    except OSError as error:
        drawn = draw(cache / "drawn", number)
        return Source(_labelled(drawn), f"DRAWN PICTURES, not photographs, for none were to be had: {error}")


def in_folder(folder: Path) -> list[Photograph]:
    """Every file below `folder`, or below its `bin-images` where it has that, with its label; keys are relative paths.

    Nothing is left out for its extension: a file that is no photograph is for the system to refuse. Labels come from a
    `labels.csv` (`id,count`) or `metadata/<id>.json` (`EXPECTED_QUANTITY`) in `folder` or beside it.
    """
    root = folder / "bin-images" if (folder / "bin-images").is_dir() else folder
    files = [path for path in files_under(root) if path.relative_to(root).parts[0] not in NOT_UPLOADS]
    folders = [path for path in files if is_folder(path)]
    if folders:
        raise CommandError(f"The folder {folders[0]} is a link or can't be listed. Take it out, or give access to it.")
    if not files:
        raise NoPhotographsError(f"There are no files in {root}.")
    listed = {**_listed_labels(root.absolute().parent), **_listed_labels(root)}
    return [Photograph(path, path.relative_to(root).as_posix(), _label(path, root, listed)) for path in files]


def balanced(photographs: Iterable[Photograph], number: int) -> list[Photograph]:
    """`number` of those whose label can be counted, as many of each as can be had; always the same ones."""
    by_label: dict[int, list[Photograph]] = defaultdict(list)
    for photograph in sorted(photographs, key=lambda one: scattered(one.key)):
        if photograph.label is not None and photograph.label in COUNTABLE:
            by_label[photograph.label].append(photograph)
    in_turn = chain.from_iterable(zip_longest(*(by_label[label] for label in sorted(by_label))))
    chosen = [photograph for photograph in in_turn if photograph is not None][:number]
    return sorted(chosen, key=lambda one: natural_key(one.path))


def scattered(text: str) -> str:
    """A sorting key that shuffles, in the same way on every machine."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _labelled(labels: Mapping[Path, int]) -> list[Photograph]:
    return [Photograph(path, path.name, label) for path, label in labels.items()]


def _listed_labels(folder: Path) -> dict[str, int]:
    path = folder / "labels.csv"
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return {row["id"]: int(row["count"]) for row in csv.DictReader(file)}
    except (KeyError, TypeError, ValueError) as error:
        raise CommandError(f"{path} has to have the columns id and count, a whole number ({error}).") from error


def _label(path: Path, root: Path, listed: Mapping[str, int]) -> int | None:
    if path.stem in listed:
        return listed[path.stem]
    for folder in (root, root.absolute().parent):
        record = folder / "metadata" / f"{path.stem}.json"
        if record.is_file():
            return json.loads(record.read_bytes()).get("EXPECTED_QUANTITY")  # type: ignore[no-any-return]
    return None
