"""CSV for spreadsheets, in which no text is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

FORMULA = ("=", "+", "-", "@")  # https://owasp.org/www-community/attacks/CSV_Injection


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """All of `csv_lines`."""
    return "".join(csv_lines(columns, rows))


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[object]], end: str = "\r\n") -> Iterator[str]:
    """The rows below a header, each with `end`.

    Text that a spreadsheet would run begins with an apostrophe; controls are escaped.
    """
    for row in chain([columns], rows):
        text = io.StringIO()
        csv.writer(text, lineterminator=end).writerow(map(_cell, row))
        yield text.getvalue()


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text


def printable(text: str) -> str:
    """The text with control characters escaped, which no cell can hold."""
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)
