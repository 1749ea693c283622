"""What a command prints: records for programs, or tables and sentences for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from bincli.tables import Table
from bincli.text import Styled, visible_lines

if TYPE_CHECKING:
    from rich.console import Console

Record = Mapping[str, Any]


class Note(NamedTuple):
    """A remark about a list. It goes below the list on a terminal, and to standard error if the list goes to a pipe."""

    text: str


Block = Table | str | Styled | Note


@dataclass(frozen=True)
class Output:
    """The result of a command goes to `out`, everything else to `err`."""

    as_json: bool
    out: Console
    err: Console

    @classmethod
    def standard(cls, as_json: bool = False) -> Output:
        from bincli.console import Screen

        return cls(as_json, Screen(), Screen(stderr=True))

    def emit(self, records: Iterable[Record], blocks: Iterable[Block]) -> None:
        """Print `records` as JSON, one per line, or else `blocks` for people. Only one of the two is iterated."""
        if self.as_json:
            for record in records:
                self.out.out(json.dumps(record), highlight=False)
            return
        for block in blocks:
            self._show(block)

    def _show(self, block: Block) -> None:
        from bincli.console import print_line, print_table

        match block:
            case Table():
                print_table(block, self.out)
            case Note(text):
                print_line(self.out if self.out.is_terminal else self.err, text)
            case _:
                print_line(self.out, block)

    def info(self, sentence: str, style: str = "") -> None:
        """Say what is going on."""
        from bincli.console import print_line

        print_line(self.err, Styled(sentence, style))

    def info_lines(self, text: str) -> None:
        """Show text of several lines, such as a log."""
        self.err.out(visible_lines(text), highlight=False)
