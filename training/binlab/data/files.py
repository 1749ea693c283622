"""Files that are complete or absent, are written only if they change, and logs that survive a crash."""

from __future__ import annotations

import csv
import io
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """CSV; the first row is the header."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def copy_if_changed(source: Path, target: Path) -> bool:
    """Copy a file unless the target has the same modification time; whether it was written."""
    changed = source.stat().st_mtime_ns
    if target.exists() and target.stat().st_mtime_ns == changed:
        return False
    write_whole(target, source.read_bytes(), changed)
    return True


def write_if_changed(target: Path, text: str) -> bool:
    """Write a file unless it already holds `text`; whether it was written."""
    if target.exists() and target.read_text(encoding="utf-8") == text:
        return False
    write_whole(target, text.encode())
    return True


def write_whole(target: Path, data: bytes, changed: int | None = None) -> None:
    """Write to a temporary name and rename, so that `target` is never half written.

    `changed` is its modification time in nanoseconds (default: now).
    """
    unfinished = target.with_name(f"{target.name}.part")
    unfinished.write_bytes(data)
    if changed is not None:
        os.utime(unfinished, ns=(changed, changed))
    unfinished.replace(target)


class NumberLog(Mapping[str, int]):
    """A mapping from id to number in a file of lines `id,number`; the last line of an id wins. Threads may add.

    Each line is flushed at once: a process that is killed loses at most the line it was writing.
    """

    def __init__(self, path: Path) -> None:
        self._numbers = dict(_read_log(path))
        # Rewritten, because appending to the half line of a killed process would corrupt the next one.
        write_whole(path, "".join(f"{name},{number}\n" for name, number in self._numbers.items()).encode())
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def add(self, name: str, number: int) -> None:
        with self._lock:
            self._numbers[name] = number
            self._file.write(f"{name},{number}\n")
            self._file.flush()

    def close(self) -> None:
        self._file.close()

    def __getitem__(self, name: str) -> int:
        return self._numbers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._numbers))  # a copy: other threads may add meanwhile

    def __len__(self) -> int:
        return len(self._numbers)


def _read_log(path: Path) -> Iterator[tuple[str, int]]:
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        name, _, number = line.rpartition(",")
        if line.endswith("\n") and name:
            yield name, int(number)
