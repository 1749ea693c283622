"""Rows of JSON and JSON Lines, within limits that bound their memory."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from bintally.domain.order_format import COLUMNS, FAULT, NO_LINES, OPTIONAL, Row, UnreadableError

MAX_VALUES = 600_000  # in one JSON document. Each may take 400 bytes of memory


def json_rows(data: bytes) -> Iterator[Row]:
    """Each order line with its position in the list, from 1, or in JSON Lines with its line number.

    A row that must be refused has the key FAULT. Raises UnreadableError, even after some rows.
    """
    is_object = data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    return _json_lines(data) if is_object and _is_json_lines(data) else _document_rows(data.decode("utf-8-sig"))


def _document_rows(text: str) -> Iterator[Row]:
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
