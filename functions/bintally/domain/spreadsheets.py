"""CSV for spreadsheets, in which no text is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

FORMULA = ("=", "+", "-", "@")  # https://owasp.org/www-community/attacks/CSV_Injection


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The rows below a header. Text that a spreadsheet would run begins with an apostrophe; controls are escaped."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in value)
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text
