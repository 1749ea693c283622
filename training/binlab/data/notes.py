"""What was done, a line each, on disk as soon as it was: a run that is killed finds all but its last line again."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from binlab.data.files import write_whole


class Notes(Mapping[str, int]):
    """From id to a number, kept in a file of lines `id,number`; the last line of an id holds. Threads may add."""

    def __init__(self, path: Path) -> None:
        self._numbers = dict(_read(path))
        # Anew, so that the half line that a killed run may have left is not continued.
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
        return iter(dict(self._numbers))

    def __len__(self) -> int:
        return len(self._numbers)


def _read(path: Path) -> Iterator[tuple[str, int]]:
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        name, _, number = line.rpartition(",")
        if line.endswith("\n") and name:
            yield name, int(number)
