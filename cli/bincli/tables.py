"""Tables for people. Text in cells is escaped. `bincli.console` prints them."""

from __future__ import annotations

from dataclasses import dataclass, field

from bincli.text import Styled, visible


@dataclass(frozen=True)
class Column:
    """A column. `folds`: its text may be broken on a narrow terminal. Never for numbers: a part would mislead."""

    name: str
    right: bool = False
    folds: bool = False


@dataclass
class Table:
    """Rows of cells. Without `header` the names of the columns are not shown."""

    columns: list[Column]
    rows: list[list[Styled]] = field(default_factory=list)
    header: bool = True

    def add(self, *cells: str | Styled) -> None:
        self.rows.append([_escaped(cell) for cell in cells])


def _escaped(cell: str | Styled) -> Styled:
    return Styled(visible(cell.text), cell.style) if isinstance(cell, Styled) else Styled(visible(cell), "")
