"""Reads the rows of an order file (CSV, JSON or JSON Lines) one at a time, within limits that bound its memory."""

from __future__ import annotations

from collections.abc import Iterator

from bintally.domain.order_csv import csv_rows
from bintally.domain.order_format import COLUMNS, OPTIONAL, Row, UnreadableError
from bintally.domain.order_json import json_rows

MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 200_000

EXCEL = 'In Excel, choose File, Save As, "CSV UTF-8".'
SIGNATURES = {
    b"PK\x03\x04": f"The file is an Excel workbook (.xlsx) or another ZIP archive. {EXCEL}",
    b"\xd0\xcf\x11\xe0": f"The file is an old Excel workbook (.xls). {EXCEL}",
    b"\x1f\x8b": "The file is compressed with gzip. Decompress it first.",
    b"\xff\xfe": f"The file is UTF-16 text. Save it as UTF-8. {EXCEL}",
    b"\xfe\xff": f"The file is UTF-16 text. Save it as UTF-8. {EXCEL}",
}


def rows_of(data: bytes) -> Iterator[Row]:
    """Each row with its line number (in a JSON document, its position in the list, from 1).

    A row that must be refused has the key FAULT. Raises UnreadableError, even after some rows, and BrokenError.
    """
    first = checked_bytes(data).lstrip()[:1]
    rows = json_rows(data) if first in (b"[", b"{") else csv_rows(data, COLUMNS, OPTIONAL)
    for count, row in enumerate(rows, 1):
        if count > MAX_ROWS:
            raise UnreadableError(row[0], f"The file has more than {MAX_ROWS:,} rows. Split it.")
        yield row


def checked_bytes(data: bytes) -> bytes:
    """The file without its byte order mark. Raises UnreadableError if it is not UTF-8 text."""
    if len(data) > MAX_BYTES:
        raise UnreadableError(1, too_large(len(data)))
    for signature, reason in SIGNATURES.items():
        if data.startswith(signature):
            raise UnreadableError(1, reason)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        reason = (
            f"The file is not UTF-8 text (line {line}, byte {error.start}); older Windows programs write Latin-1. "
            f"Save it as UTF-8. {EXCEL}"
        )
        raise UnreadableError(line, reason) from error
    if b"\0" in data[:4096]:
        raise UnreadableError(1, f"The file contains NUL bytes, as UTF-16 text does. Save it as UTF-8. {EXCEL}")
    return data.removeprefix(b"\xef\xbb\xbf")


def too_large(size: int) -> str:
    """Why a file of `size` bytes is refused."""
    return f"The file has {size:,} bytes; at most {MAX_BYTES:,}. Split it."
