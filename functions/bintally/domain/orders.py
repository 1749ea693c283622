"""Order files: CSV or JSON, each row a consignment's expectation of one bin."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from bintally.domain.due import due_at_of
from bintally.domain.verdicts import OrderLine

COLUMNS = ("consignment_id", "bin_id", "expected")
CONSIGNMENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MOST_EXPECTED = 1_000_000
EXCESS = "\0"  # what a row has more than the header, under a name that no column has

Row = tuple[int, Mapping[str, object]]


@dataclass(frozen=True)
class RefusedRow:
    """A row that was not taken: its line in the file (in JSON, its place in the list, from 1) and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class OrderFile:
    """What an order file says: the lines to take, and the rows that can't be."""

    lines: tuple[OrderLine, ...]
    refused: tuple[RefusedRow, ...]


class _RowError(ValueError):
    pass


def parse_orders(data: bytes, zone: tzinfo = UTC) -> OrderFile:
    """The order lines in `data`. Never raises: what can't be read is in `refused`, and the good rows stand.

    A due_at without an offset is in `zone`, and without a time the end of that day there.

    CSV needs a header with consignment_id, bin_id and expected, due_at if you like, separated by commas, semicolons or
    tabs. JSON is a list of objects with those names, or of consignments whose `lines` hold bin_id and expected.
    """
    rows: list[Row] = []
    try:
        text = data.decode("utf-8-sig")
        for row in _json_rows(text) if text.lstrip()[:1] in ("[", "{") else _csv_rows(text):
            rows.append(row)
    except UnicodeDecodeError as error:
        return OrderFile((), (RefusedRow(1, f"The file is not UTF-8 text (byte {error.start}). Save it as UTF-8."),))
    except json.JSONDecodeError as error:
        return OrderFile((), (RefusedRow(error.lineno, f"The file is not JSON: {error.msg}."),))
    except _RowError as error:
        return OrderFile((), (RefusedRow(1, str(error)),))
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, lists in lists without end
        return OrderFile((), (RefusedRow(1, f"The file is not JSON that can be read: {error}."),))
    except csv.Error as error:
        taken = _checked(rows, zone)
        after = rows[-1][0] if rows else 1
        broken = RefusedRow(after + 1, f"From here on the file can't be read as CSV: {error}.")
        return OrderFile(taken.lines, (*taken.refused, broken))
    return _checked(rows, zone)


def _checked(rows: Iterable[Row], zone: tzinfo) -> OrderFile:
    lines: dict[tuple[str, str], tuple[int, OrderLine]] = {}
    refused = []
    for number, row in rows:
        try:
            line = _line(row, zone)
            first, standing = lines.setdefault((line.consignment_id, line.bin_id), (number, line))
            if standing is not line:
                raise _RowError(f"consignment {line.consignment_id}, bin {line.bin_id} is on line {first} already.")
        except _RowError as error:
            refused.append(RefusedRow(number, str(error)))
    return OrderFile(tuple(line for _, line in lines.values()), tuple(refused))


def _csv_rows(text: str) -> Iterator[Row]:
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    names = [name.strip() for name in next(reader, [])]
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        raise _RowError(f"The header lacks the column {', '.join(missing)}; it has: {', '.join(names) or 'nothing'}.")
    number = reader.line_num + 1  # a row may span lines: it is where it begins
    for cells in reader:
        if cells:
            yield number, {**dict(zip(names, cells, strict=False)), EXCESS: cells[len(names) :]}
        number = reader.line_num + 1


def _json_rows(text: str) -> Iterator[Row]:
    document = json.loads(text)
    if isinstance(document, Mapping):
        document = document.get("orders", [document])
    if not isinstance(document, list):
        raise _RowError("A JSON order file is a list of order lines or consignments.")
    for number, entry in enumerate(document, 1):
        if not isinstance(entry, Mapping):
            yield number, {}
        elif isinstance(entry.get("lines"), list):
            shared = {name: value for name, value in entry.items() if name != "lines"}
            for line in entry["lines"]:
                yield number, {**shared, **line} if isinstance(line, Mapping) else {}
        else:
            yield number, entry


def _line(row: Mapping[str, object], zone: tzinfo) -> OrderLine:
    absent = [column for column in COLUMNS if row.get(column) in (None, "")]
    if absent:
        raise _RowError(f"{', '.join(absent)} is missing.")
    if row.get(EXCESS):
        raise _RowError("The row has more cells than the header.")
    consignment_id = str(row["consignment_id"]).strip()
    if not CONSIGNMENT_ID.fullmatch(consignment_id):
        raise _RowError(f"consignment_id {consignment_id!r} is not 1 to 64 letters, digits, dots, dashes, underscores.")
    return OrderLine(
        consignment_id, _bin_id(row["bin_id"]), _expected(row["expected"]), _due_at(row.get("due_at"), zone)
    )


def _bin_id(value: object) -> str:
    text = str(value).strip()
    with suppress(UnicodeEncodeError):  # JSON can write half a character
        if isinstance(value, str | int) and 0 < len(text.encode()) <= 1024:
            return text
    raise _RowError("bin_id has to be 1 to 1,024 bytes.")


def _expected(value: object) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,7}", text) or int(text) > MOST_EXPECTED:
        raise _RowError(f"expected {text!r} is not a whole number from 0 to {MOST_EXPECTED:,}.")
    return int(text)


def _due_at(value: object, zone: tzinfo) -> str | None:
    text = str(value).strip() if value else ""
    if not text:
        return None
    try:
        return iso(due_at_of(text, zone))
    except (ValueError, OverflowError) as error:
        raise _RowError(f"due_at {text!r} is not a date such as 2026-05-04 or 2026-05-04T16:00:00Z.") from error


def iso(moment: datetime) -> str:
    """`moment` (with its time zone) as text that sorts by time: ISO 8601, UTC, milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
