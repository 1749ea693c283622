"""Which photographs a backfill has put, on disk, so that one that was killed goes on where it was."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from bincli.errors import CommandError


class Journal:
    """`done` is what earlier runs have put: key → stamp. Any thread may add to the journal."""

    def __init__(self, file: TextIO, done: dict[str, str]) -> None:
        self.done = done
        self._file = file
        self._lock = threading.Lock()

    def add(self, key: str, stamp: str) -> None:
        """Keep that this has been put. It is with the operating system when this returns."""
        with self._lock:
            self._file.write(json.dumps({"key": key, "stamp": stamp}) + "\n")
            self._file.flush()


@contextmanager
def open_journal(path: Path, source: str, bucket: str) -> Iterator[Journal]:
    """The journal of backfilling `source` into `bucket`. Raises CommandError for that of another backfill."""
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
    """Key → stamp of what has been put, None without a journal. A line that was cut off counts for nothing."""
    if not path.is_file():
        return None
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    if _parsed(lines[0]) != heading:
        raise CommandError(f"{path} is not the journal of this backfill. Name another one with --journal.")
    entries = [_parsed(line) for line in lines[1:]]
    return {str(entry["key"]): str(entry["stamp"]) for entry in entries if {"key", "stamp"} <= entry.keys()}


def _parsed(line: str) -> dict[str, object]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}
