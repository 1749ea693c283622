"""Tables: aligned on a terminal, tab-separated in a pipe. Their cells are foreign text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from rich import table as rich
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from bincli.output import visible

GAP = 2
NARROW = 10  # columns that text which may be broken gets at least

Cell = str | Text  # a Text has a style of ours


@dataclass(frozen=True)
class Column:
    """`folds`: its text may be broken where the terminal is narrow. Numbers never are: half of one is another one."""

    name: str
    right: bool = False
    folds: bool = False


@dataclass
class Table:
    """Rows of cells. Without `header` the names of the columns are not shown."""

    columns: list[Column]
    rows: list[list[Text]] = field(default_factory=list)
    header: bool = True

    def add(self, *cells: Cell) -> None:
        self.rows.append([_shown(cell) for cell in cells])

    def show(self, out: Console) -> None:
        """Print it as suits `out`: tab-separated where that is no terminal, as blocks where a row does not fit."""
        if not out.is_terminal:
            self._tab_separated(out)
        elif self._narrowest() <= out.width:
            out.print(self._aligned())
        else:
            self._blocks(out)

    def _tab_separated(self, out: Console) -> None:
        names = [[column.name for column in self.columns]] if self.header else []
        for row in (*names, *([cell.plain for cell in row] for row in self.rows)):
            print("\t".join(row), file=out.file)  # rich makes spaces of tabs
        out.file.flush()

    def _aligned(self) -> rich.Table:
        table = rich.Table(box=None, pad_edge=False, show_header=self.header)
        for column in self.columns:
            table.add_column(
                column.name,
                justify="right" if column.right else "left",
                overflow="fold",
                no_wrap=not column.folds,
            )
        for row in self.rows:
            table.add_row(*row)
        return table

    def _narrowest(self) -> int:
        """How wide a terminal has to be for no number to be cut."""
        widths = [_widest(self._texts(place)) for place in range(len(self.columns))]
        needed = (
            min(width, NARROW) if column.folds else width for column, width in zip(self.columns, widths, strict=True)
        )
        return sum(needed) + GAP * (len(self.columns) - 1)

    def _texts(self, place: int) -> Iterable[str]:
        name = [self.columns[place].name] if self.header else []
        return (*name, *(row[place].plain for row in self.rows))

    def _blocks(self, out: Console) -> None:
        """A row as lines of a name and a text."""
        for number, row in enumerate(self.rows):
            if number and self.header:
                out.print()
            for column, cell in zip(self.columns, row, strict=True):
                if cell.plain:
                    out.print(Text(f"{column.name}: " if self.header else "", "dim") + cell, soft_wrap=True)


def _widest(texts: Iterable[str]) -> int:
    return max(map(cell_len, texts), default=0)


def _shown(cell: Cell) -> Text:
    return Text(visible(cell.plain), cell.style) if isinstance(cell, Text) else Text(visible(cell))
