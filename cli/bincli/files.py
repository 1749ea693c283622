"""Files on disk, in the order in which a person counts: photo2 before photo10."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

EXTENSIONS = {".jpg", ".jpeg", ".png"}  # of photos


def natural_key(path: Path) -> list[list[tuple[int, int, str]]]:
    """Sorts paths part by part with the numbers in them compared as numbers."""
    return [[_comparable(piece) for piece in re.split(r"(\d+)", part)] for part in path.parts]


def _comparable(piece: str) -> tuple[int, int, str]:
    return (0, int(piece), piece) if piece.isdecimal() and piece.isascii() else (1, 0, piece)


def files_under(folder: Path) -> list[Path]:
    """Every visible file below `folder`, in natural order.

    A folder that can't be listed, or is a link, which is not followed, is in the list itself.
    """
    return sorted(_walk(folder), key=natural_key)


def is_folder(path: Path) -> bool:
    """Whether it is a folder, or one whose path is too long for the system to say so."""
    try:
        return path.is_dir()
    except OSError:
        return True


def _walk(folder: Path) -> Iterator[Path]:
    unreadable: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=lambda error: unreadable.append(Path(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(parent, name) for name in names if not name.startswith("."))
        yield from (Path(parent, name) for name in folders if os.path.islink(Path(parent, name)))  # noqa: PTH114, says no where Path raises
    yield from unreadable
