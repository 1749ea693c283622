"""Reads the rows of an order file (CSV, JSON or JSON Lines) one at a time, within limits that bound its memory."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 200_000
MAX_COLUMNS = 1_000
MAX_LINE_LENGTH = 1_000_000  # characters in a line of CSV
MAX_VALUES = 600_000  # in one JSON document. Each may take 400 bytes of memory
COLUMNS = ("consignment_id", "bin_id", "expected")
OPTIONAL = ("due_at",)
FAULT = "\0fault"  # the key in a row for why it is refused. No column can have this name
NO_LINES = "\0no lines"  # the key in a row for a consignment with an empty list of lines

Row = tuple[int, Mapping[str, Any]]

EXCEL = 'In Excel, choose File, Save As, "CSV UTF-8".'
SIGNATURES = {
    b"PK\x03\x04": f"The file is an Excel workbook (.xlsx) or another ZIP archive. {EXCEL}",
    b"\xd0\xcf\x11\xe0": f"The file is an old Excel workbook (.xls). {EXCEL}",
    b"\x1f\x8b": "The file is compressed with gzip. Decompress it first.",
    b"\xff\xfe": f"The file is UTF-16 text. Save it as UTF-8. {EXCEL}",
    b"\xfe\xff": f"The file is UTF-16 text. Save it as UTF-8. {EXCEL}",
}


class UnreadableError(ValueError):
    """Nothing in the file can be imported. `line` and `reason` say where and why."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line, self.reason = line, reason


class BrokenError(UnreadableError):
    """The file can't be read from this line on. The rows before it can be imported."""


def rows_of(data: bytes) -> Iterator[Row]:
    """Each row with its line number (in a JSON document, its position in the list, from 1).

    A row that must be refused has the key FAULT. Raises UnreadableError, even after some rows, and BrokenError.
    """
    first = _checked_bytes(data).lstrip()[:1]
    if first in (b"[", b"{"):
        rows = _json_lines(data) if first == b"{" and _is_json_lines(data) else _json_rows(data.decode("utf-8-sig"))
    else:
        rows = _csv_rows(data)
    for count, row in enumerate(rows, 1):
        if count > MAX_ROWS:
            raise UnreadableError(row[0], f"The file has more than {MAX_ROWS:,} rows. Split it.")
        yield row


def _checked_bytes(data: bytes) -> bytes:
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


# ---- CSV


def _csv_rows(data: bytes) -> Iterator[Row]:
    lines = _text_lines(data)
    header = next(lines, "")
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(itertools.chain([header], lines), delimiter=delimiter, skipinitialspace=True, strict=True)
    number = 1
    try:
        names = _columns(next(reader, []))
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


def _columns(header: list[str]) -> _Columns:
    """The known columns of `header`. Names match regardless of case, spaces, dashes and underscores."""
    if len(header) > MAX_COLUMNS:
        raise UnreadableError(1, f"The header has {len(header):,} columns; at most {MAX_COLUMNS:,}.")
    known = {_plain(name): name for name in (*COLUMNS, *OPTIONAL)}
    columns = _Columns()
    columns.width = len(header)
    for place, text in enumerate(header):
        name = known.get(_plain(text))
        if name and name in columns:
            raise UnreadableError(1, f"The header has the column {name} twice ({header[columns[name]]}, {text}).")
        if name:
            columns[name] = place
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        has = ", ".join(name.strip() for name in header)[:200] or "nothing"
        raise UnreadableError(1, f"The header lacks the column {', '.join(missing)}; it has: {has}.")
    return columns


def _plain(name: str) -> str:
    return name.casefold().translate({ord(character): None for character in " \t\u00a0_-"})


# ---- JSON


def _json_rows(text: str) -> Iterator[Row]:
    document = _document(text, lambda line, column: f"at line {line}, column {column}")
    if isinstance(document, Mapping) and "orders" in document:
        if FAULT in document:
            raise UnreadableError(1, document[FAULT])
        document = document["orders"]
    elif isinstance(document, Mapping):
        document = [document]
    if not isinstance(document, list):
        raise UnreadableError(1, "A JSON order file must be a list of order lines or consignments.")
    for number, entry in enumerate(document, 1):
        yield from _entry(number, entry)


def _is_json_lines(data: bytes) -> bool:
    """Whether the first line is a complete object and another one follows, which is never a valid JSON document."""
    lines = (line.strip() for line in io.BytesIO(data))
    first, second = itertools.islice(itertools.chain(filter(None, lines), itertools.repeat(b"")), 2)
    if not second or not first.endswith(b"}"):
        return False
    return second.startswith(b"{") or _is_document(first)


def _is_document(line: bytes) -> bool:
    try:
        _document(line.decode("utf-8-sig"), lambda _, column: str(column))
    except UnreadableError:
        return False
    return True


def _json_lines(data: bytes) -> Iterator[Row]:
    for number, line in enumerate(io.BytesIO(data), 1):  # only line feeds end a line: JSON may contain other separators
        text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        if text:
            try:
                entry = _document(text, lambda _, column: f"at column {column}", "line")
            except UnreadableError as error:
                yield number, {FAULT: error.reason}
            else:
                yield from _entry(number, entry)


def _entry(number: int, entry: object) -> Iterator[Row]:
    """The rows of one order line, or of one consignment with its lines."""
    if not isinstance(entry, Mapping):
        yield number, {FAULT: "It is not a JSON object with consignment_id, bin_id and expected."}
    elif not isinstance(entry.get("lines"), list):
        yield number, entry
    elif not entry["lines"]:
        yield number, {**entry, NO_LINES: True}
    else:
        shared = {name: entry[name] for name in (*COLUMNS, *OPTIONAL, FAULT) if name in entry}
        for line in entry["lines"]:
            fault = {FAULT: "A line is not a JSON object with bin_id and expected."}
            yield number, {**shared, **line} if isinstance(line, Mapping) else fault


def _document(text: str, place: Callable[[int, int], str], what: str = "file") -> Any:
    """The JSON value of `text`. Raises UnreadableError, which says where the text is invalid."""
    values = 1 + sum(map(text.count, "[{,"))
    if values > MAX_VALUES:
        reason = f"The {what} may hold {values:,} JSON values; at most {MAX_VALUES:,}. Split it, or use JSON Lines."
        raise UnreadableError(1, reason)
    try:
        return _decoder().decode(text)
    except json.JSONDecodeError as error:
        reason = f"The {what} is not valid JSON: {error.msg} {place(error.lineno, error.colno)}."
        raise UnreadableError(error.lineno, reason) from error
    except RecursionError as error:
        raise UnreadableError(1, f"The JSON in the {what} is nested too deeply.") from error


@cache
def _decoder() -> json.JSONDecoder:
    """Cached, because JSON Lines use it once per line."""
    return json.JSONDecoder(object_pairs_hook=_object, parse_int=_whole)


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The JSON object, with FAULT if a key is in it twice."""
    found = dict(pairs)
    has_duplicates = len(found) < len(pairs)
    for name in (FAULT, NO_LINES):
        found.pop(name, None)
    if has_duplicates:
        found[FAULT] = f"{_first_duplicate(pairs)[:60]!r} is in the JSON object twice."
    return found


def _first_duplicate(pairs: Sequence[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return name
        seen.add(name)
    raise AssertionError("no duplicate name")


def _whole(digits: str) -> int | str:
    """An int, or the text of a number that is too long for Python to parse. Such text is refused later as a number."""
    return int(digits) if len(digits) < 20 else digits
