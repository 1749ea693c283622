"""Printing with rich: tables aligned on a terminal and tab-separated in a pipe, and lines without markup."""

from __future__ import annotations

from collections.abc import Iterable

from rich import table as rich
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from bincli.tables import Table
from bincli.text import Styled, visible

GAP = 2
NARROW = 10  # minimum width of a column whose text may be folded


class Screen(Console):
    """Standard output or standard error."""

    def on_broken_pipe(self) -> None:
        """Raise instead of rich's exit code 1, which has another meaning here."""
        raise BrokenPipeError


def print_line(out: Console, line: str | Styled) -> None:
    """Print one line. Nothing in it is read as markup, and only a terminal wraps it."""
    text, style = line if isinstance(line, Styled) else (line, "")
    out.print(Text(visible(text), style), soft_wrap=not out.is_terminal)


def print_table(table: Table, out: Console) -> None:
    """Print the table: tab-separated in a pipe, aligned on a terminal, or as blocks where a row does not fit."""
    if not out.is_terminal:
        _tab_separated(table, out)
    elif _narrowest(table) <= out.width:
        out.print(_aligned(table))
    else:
        _blocks(table, out)


def _tab_separated(table: Table, out: Console) -> None:
    names = [[column.name for column in table.columns]] if table.header else []
    for row in (*names, *([cell.text for cell in row] for row in table.rows)):
        print("\t".join(row), file=out.file)  # rich would turn tabs into spaces
    out.file.flush()


def _aligned(table: Table) -> rich.Table:
    aligned = rich.Table(box=None, pad_edge=False, show_header=table.header)
    for column in table.columns:
        aligned.add_column(
            column.name,
            justify="right" if column.right else "left",
            overflow="fold",
            no_wrap=not column.folds,
        )
    for row in table.rows:
        aligned.add_row(*(Text(*cell) for cell in row))
    return aligned


def _narrowest(table: Table) -> int:
    """The narrowest terminal on which no number is cut."""
    widths = [_widest(_texts(table, place)) for place in range(len(table.columns))]
    needed = (
        min(width, NARROW) if column.folds else width for column, width in zip(table.columns, widths, strict=True)
    )
    return sum(needed) + GAP * (len(table.columns) - 1)


def _texts(table: Table, place: int) -> Iterable[str]:
    name = [table.columns[place].name] if table.header else []
    return (*name, *(row[place].text for row in table.rows))


def _widest(texts: Iterable[str]) -> int:
    return max(map(cell_len, texts), default=0)


def _blocks(table: Table, out: Console) -> None:
    """Each row as lines of a name and a text."""
    for number, row in enumerate(table.rows):
        if number and table.header:
            out.print()
        for column, cell in zip(table.columns, row, strict=True):
            if cell.text:
                name = Text(f"{column.name}: " if table.header else "", "dim")
                out.print(name + Text(*cell), soft_wrap=True)
