"""Which photos a backfill has uploaded, on disk, so that it continues after it was killed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from bincli.errors import CommandError


class Journal:
    """`done` is what earlier runs have uploaded: key → stamp. Safe for threads."""

    def __init__(self, file: TextIO, done: dict[str, str]) -> None:
        self.done = done
        self._file = file
        self._lock = threading.Lock()

    def add(self, key: str, stamp: str) -> None:
        """Note that this is uploaded. The operating system has it when this returns."""
        with self._lock:
            self._file.write(json.dumps({"key": key, "stamp": stamp}) + "\n")
            self._file.flush()


@contextmanager
def open_journal(path: Path, source: str, bucket: str) -> Iterator[Journal]:
    """The journal for uploading `source` to `bucket`. Raises CommandError if `path` belongs to another backfill."""
    heading = {"source": source, "bucket": bucket}
    done = read_journal(path, heading)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        if done is None:
            file.write(json.dumps(heading) + "\n")
        else:
            file.write("\n")  # ends a line that a kill cut off
        yield Journal(file, done or {})


def read_journal(path: Path, heading: dict[str, str]) -> dict[str, str] | None:
    """Key → stamp of what was uploaded; None without a journal. Ignores a line that was cut off."""
    if not path.is_file():
        return None
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    if _parsed(lines[0]) != heading:
        raise CommandError(f"{path} is the journal of another backfill. Name another file with --journal.")
    entries = [_parsed(line) for line in lines[1:]]
    return {str(entry["key"]): str(entry["stamp"]) for entry in entries if {"key", "stamp"} <= entry.keys()}


def _parsed(line: str) -> dict[str, object]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}
