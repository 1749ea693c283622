"""What order files have in common, whatever their format: columns, rows, and errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COLUMNS = ("consignment_id", "bin_id", "expected")
OPTIONAL = ("due_at", "item_volume_l", "sku")
FAULT = "\0fault"  # the key in a row for why it is refused. No column can have this name
NO_LINES = "\0no lines"  # the key in a row for a consignment with an empty list of lines

Row = tuple[int, Mapping[str, Any]]


class UnreadableError(ValueError):
    """Nothing in the file can be imported. `line` and `reason` say where and why."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line, self.reason = line, reason


class BrokenError(UnreadableError):
    """The file can't be read from this line on. The rows before it can be imported."""
