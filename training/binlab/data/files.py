"""Files that are there whole or not at all, and are written only when they change."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path


def table(rows: Iterable[Iterable[object]]) -> str:
    """CSV, the header first."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def copy_once(source: Path, target: Path) -> bool:
    """Copy a file unless the target has its time of change; whether it was written."""
    changed = source.stat().st_mtime_ns
    if target.exists() and target.stat().st_mtime_ns == changed:
        return False
    write_whole(target, source.read_bytes(), changed)
    return True


def write_text_once(target: Path, text: str) -> bool:
    """Write a file unless it holds `text` already; whether it was written."""
    if target.exists() and target.read_text(encoding="utf-8") == text:
        return False
    write_whole(target, text.encode())
    return True


def write_whole(target: Path, data: bytes, changed: int | None = None) -> None:
    """Write beside and rename, so that a file under its own name is complete. `changed` is its time of change in ns."""
    unfinished = target.with_name(f"{target.name}.part")
    unfinished.write_bytes(data)
    if changed is not None:
        os.utime(unfinished, ns=(changed, changed))
    unfinished.replace(target)
