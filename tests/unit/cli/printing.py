"""Outputs that a test can read."""

from __future__ import annotations

import io
import json
from typing import Any

from bincli.output import Output
from rich.console import Console


class Printed(Output):
    """An Output to pipes, or with a terminal of the given width as standard output, that keeps what is printed."""

    def __init__(self, *, as_json: bool = False, width: int | None = None) -> None:
        terminal: dict[str, Any] = {"force_terminal": True, "color_system": None, "width": width} if width else {}
        super().__init__(as_json, Console(file=io.StringIO(), **terminal), Console(file=io.StringIO()))

    @property
    def stdout(self) -> str:
        return _text(self.out)

    @property
    def stderr(self) -> str:
        return _text(self.err)

    @property
    def rows(self) -> list[list[str]]:
        """The cells of what went to a pipe."""
        return [line.split("\t") for line in self.stdout.splitlines()]

    @property
    def records(self) -> list[Any]:
        return [json.loads(line) for line in self.stdout.splitlines()]


def _text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
