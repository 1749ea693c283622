"""Where photos are collected from, and whether they arrived intact."""

from __future__ import annotations

import csv
import hashlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

ATTEMPTS = 4


class SourceError(Exception):
    """Something cannot be read; the message says why.

    `code`: missing, refused, damaged (worth a retry), unreachable, or no_count for a record without one.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Blob:
    """Bytes, with the length and the MD5 (hex) that the source states; None if it states none."""

    data: bytes
    size: int | None = None
    md5: str | None = None


class Source(Protocol):
    """The layout of the public bucket, read by key. Both methods raise SourceError."""

    def ids(self) -> Iterable[str]: ...
    def read(self, key: str) -> Blob: ...


@dataclass(frozen=True)
class Folder:
    """A folder in the layout of the public bucket."""

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
    """The object under `key`, read again if it arrives damaged. Raises SourceError."""
    for attempt in range(ATTEMPTS - 1):
        try:
            return verified(key, source.read(key))
        except SourceError as error:
            if error.code != "damaged":
                raise
            pause(0.5 * 2**attempt)
    return verified(key, source.read(key))


def verified(key: str, blob: Blob) -> bytes:
    """The bytes, if they match the stated length and MD5. Raises SourceError `damaged`."""
    if blob.size is not None and blob.size != len(blob.data):
        raise SourceError("damaged", f"{key}: only {len(blob.data):,} of {blob.size:,} bytes arrived")
    if blob.md5 is not None and blob.md5 != hashlib.md5(blob.data, usedforsecurity=False).hexdigest():
        raise SourceError("damaged", f"{key}: its MD5 differs from the one that the source states")
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
    """Id and count from a list like that of the public course starter: `{"1": ["data/metadata/100313.json", ...]}`.

    Raises ValueError for any other format.
    """
    try:
        classes = json.loads(path.read_bytes())
        return {PurePosixPath(name).stem: int(label) for label, names in classes.items() for name in names}
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f'{path} must be a JSON object of lists by class, like {{"1": ["data/metadata/100313.json", ...], ...}}'
        ) from error
