"""Rows of CSV, one at a time, within limits that bound their memory."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from bintally.domain.order_format import FAULT, BrokenError, Row, UnreadableError

MAX_COLUMNS = 1_000
MAX_LINE_LENGTH = 1_000_000  # characters in a line of CSV


def csv_rows(data: bytes, required: Sequence[str], optional: Sequence[str]) -> Iterator[Row]:
    """Each row with its line number and the cells of the known columns; other columns are ignored.

    A row that must be refused has the key FAULT. Raises UnreadableError, even after some rows, and BrokenError.
    """
    lines = _text_lines(data)
    header = next(lines, "")
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(itertools.chain([header], lines), delimiter=delimiter, skipinitialspace=True, strict=True)
    number = 1
    try:
        names = _columns(next(reader, []), required, optional)
        number = reader.line_num + 1  # the first line of a row, which may span several
        for cells in reader:
            if cells:
                row: dict[str, Any] = {name: cells[place] for name, place in names.items() if place < len(cells)}
                if len(cells) > names.width:
                    row[FAULT] = "The row has more cells than the header."
                yield number, row
            number = reader.line_num + 1
    except csv.Error as error:
        raise BrokenError(number, f"From here on the file can't be read as CSV: {error}.") from error


def _text_lines(data: bytes) -> Iterator[str]:
    text = io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", newline="")
    for number, line in enumerate(text, 1):
        if len(line) > MAX_LINE_LENGTH:
            raise UnreadableError(number, f"The line has {len(line):,} characters; at most {MAX_LINE_LENGTH:,}.")
        yield line


class _Columns(dict[str, int]):
    """The position of each known column. `width` is the number of all columns."""

    width = 0


def _columns(header: list[str], required: Sequence[str], optional: Sequence[str]) -> _Columns:
    """The known columns of `header`. Names match regardless of case, spaces, dashes and underscores."""
    if len(header) > MAX_COLUMNS:
        raise UnreadableError(1, f"The header has {len(header):,} columns; at most {MAX_COLUMNS:,}.")
    known = {_plain(name): name for name in (*required, *optional)}
    columns = _Columns()
    columns.width = len(header)
    for place, text in enumerate(header):
        name = known.get(_plain(text))
        if name and name in columns:
            raise UnreadableError(1, f"The header has the column {name} twice ({header[columns[name]]}, {text}).")
        if name:
            columns[name] = place
    missing = [name for name in required if name not in columns]
    if missing:
        has = ", ".join(name.strip() for name in header)[:200] or "nothing"
        raise UnreadableError(1, f"The header lacks the column {', '.join(missing)}; it has: {has}.")
    return columns


def _plain(name: str) -> str:
    return name.casefold().translate({ord(character): None for character in " \t\u00a0_-"})
