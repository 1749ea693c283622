"""Where photographs come from, and whether what came is what the source has."""

from __future__ import annotations

import csv
import hashlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

TRIES = 4


class SourceError(Exception):
    """Something can't be read; the message says why.

    `code`: missing, refused, damaged (worth another try), unreachable, or no_count for a record that holds none.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Blob:
    """Bytes, and what the source says of them: their number, and their MD5 as hex; None where it says nothing."""

    data: bytes
    size: int | None = None
    md5: str | None = None


class Source(Protocol):
    """The layout of the bucket, read by key. Both raise SourceError."""

    def ids(self) -> Iterable[str]: ...
    def read(self, key: str) -> Blob: ...


@dataclass(frozen=True)
class Folder:
    """A folder in the layout of the bucket."""

    root: Path

    def ids(self) -> list[str]:
        return sorted(path.stem for path in (self.root / "bin-images").glob("*.jpg"))

    def read(self, key: str) -> Blob:
        try:
            return Blob((self.root / key).read_bytes())
        except FileNotFoundError as error:
            raise SourceError("missing", f"{self.root / key} does not exist") from error
        except OSError as error:
            raise SourceError("unreachable", str(error)) from error


def read_whole(source: Source, key: str, pause: Callable[[float], None] = time.sleep) -> bytes:
    """What the source has under `key`, asked for again where it came damaged. Raises SourceError."""
    for attempt in range(TRIES - 1):
        try:
            return verified(key, source.read(key))
        except SourceError as error:
            if error.code != "damaged":
                raise
            pause(0.5 * 2**attempt)
    return verified(key, source.read(key))


def verified(key: str, blob: Blob) -> bytes:
    """The bytes, if they are what the source promised. Raises SourceError `damaged`."""
    if blob.size is not None and blob.size != len(blob.data):
        raise SourceError("damaged", f"{key}: {len(blob.data):,} of {blob.size:,} bytes came")
    if blob.md5 is not None and blob.md5 != hashlib.md5(blob.data, usedforsecurity=False).hexdigest():
        raise SourceError("damaged", f"{key}: its MD5 is not the one that the source names")
    return blob.data


def labels_of(source: Source) -> dict[str, int]:
    """The source's `labels.csv`; the public bucket has none."""
    try:
        lines = read_whole(source, "labels.csv").decode().splitlines()
    except SourceError as error:
        if error.code in ("missing", "refused"):
            return {}
        raise
    return {row["id"]: int(row["count"]) for row in csv.DictReader(lines)}


def listed(path: Path) -> dict[str, int]:
    """From id to count, of a list as the public course starter has it: `{"1": ["data/metadata/100313.json", ...]}`.

    Raises ValueError for anything else.
    """
    try:
        classes = json.loads(path.read_bytes())
        return {PurePosixPath(name).stem: int(label) for label, names in classes.items() for name in names}
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f'{path} is not a list by class, {{"1": ["data/metadata/100313.json", ...], ...}}') from error
