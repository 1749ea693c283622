"""Items of tables in files, in the form of DynamoDB's own exports to S3: gzipped lines of `{"Item": {...}}`."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, count, islice
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from bincli.errors import CommandError

MANIFEST = "backup.json"
SUFFIX = ".json.gz"
ITEMS_A_FILE = 50_000
Item = Mapping[str, Any]


def write_items(folder: Path, items: Iterable[Item], items_a_file: int = ITEMS_A_FILE) -> int:
    """Write items into new files of `folder`/data; how many."""
    data = folder / "data"
    data.mkdir(parents=True)
    waiting, written = iter(items), 0
    for number in count(1):
        part = islice(waiting, items_a_file)
        first = next(part, None)
        if first is None:
            break
        with gzip.open(data / f"{number:05}{SUFFIX}", "wt", encoding="utf-8") as file:
            for item in chain([first], part):
                file.write(json.dumps({"Item": item}) + "\n")
                written += 1
    return written


def read_items(path: Path) -> Iterator[Item]:
    """The items of every export file below a folder. Raises CommandError if there is none, or one is damaged."""
    found = sorted(path.rglob(f"*{SUFFIX}"))
    if not found and not (path / "data").is_dir():
        raise CommandError(f"{path} has no files *{SUFFIX}: it is neither a backup nor an export of DynamoDB.")
    for file in found:
        with file.open("rb") as compressed:
            yield from _items(compressed, str(file))


def read_export(s3: Any, uri: str) -> Iterator[Item]:
    """The items of an export to S3, given by the address of its files. Raises CommandError as read_items does."""
    bucket, prefix = urlsplit(uri).netloc, urlsplit(uri).path.lstrip("/")
    keys = [
        found["Key"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for found in page.get("Contents", [])
        if found["Key"].endswith(SUFFIX)
    ]
    if not keys:
        raise CommandError(f"{uri} has no files *{SUFFIX}. Those of an export are in AWSDynamoDB/ID/data/.")
    for key in keys:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        yield from _items(io.BytesIO(body), f"s3://{bucket}/{key}")


def _items(compressed: IO[bytes], name: str) -> Iterator[Item]:
    try:
        with gzip.open(compressed, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)["Item"]
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{name} is damaged, or no export of DynamoDB. Items before that are restored.") from error


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """The last file of a backup: without it, the backup was broken off."""
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Mapping[str, Any]:
    """Raises CommandError if the folder is no complete backup."""
    path = folder / MANIFEST
    if not path.is_file():
        raise CommandError(f"{folder} is not a complete backup: it has no {MANIFEST}. For an export, pass --table.")
    try:
        manifest: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {**manifest, "tables": dict(manifest["tables"])}
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{path} is damaged.") from error
