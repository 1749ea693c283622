"""Order files. Each row says how many items of one bin a consignment expects."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import cached_property
from typing import Any

from bintally.domain.due import due_at_of
from bintally.domain.item_volumes import item_volume_of
from bintally.domain.names import fault_of_bin_id, fault_of_consignment_id, fault_of_sku, normalised
from bintally.domain.order_format import COLUMNS, FAULT, NO_LINES, BrokenError, UnreadableError
from bintally.domain.order_rows import rows_of
from bintally.domain.times import iso
from bintally.domain.verdicts import OrderLine

MAX_EXPECTED = 1_000_000
MAX_LISTED = 10_000  # refused rows, and changed ids, that a report lists. All of them are counted
MAX_SHOWN = 100  # characters of a value in a reason


@dataclass(frozen=True)
class RefusedRow:
    """A row that was not imported: its line in the file (in JSON, its position in the list, from 1), and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class ChangedId:
    """An id that was normalised: its line in the file, the text in the file, and the id that was imported."""

    line: int
    written: str
    imported_as: str


@dataclass(frozen=True)
class OrderFile:
    """The content of an order file: lines, refused rows, changed ids, and consignments with an empty list of lines.

    `refused` and `changed` list only the first MAX_LISTED; `refused_rows` and `changed_ids` count all of them.
    """

    lines: tuple[OrderLine, ...]
    refused: tuple[RefusedRow, ...] = ()
    refused_rows: int = 0
    changed: tuple[ChangedId, ...] = ()
    changed_ids: int = 0
    emptied: tuple[str, ...] = ()

    @cached_property
    def consignments(self) -> list[str]:
        """All consignments that the file names, in the order of the file."""
        return list(dict.fromkeys([*(line.consignment_id for line in self.lines), *self.emptied]))


@dataclass(frozen=True)
class ReceivedFile:
    """An uploaded order file. `adds`: it replaces no consignment. `fault`: why nothing in it can be imported."""

    data: bytes
    adds: bool = False
    fault: str = ""


@dataclass(frozen=True)
class Progress:
    """The progress of an import: lines written, consignments checked for lines that are no longer ordered.

    `fingerprint` identifies the file's content.
    """

    fingerprint: str
    written: int = 0
    checked: int = 0
    withdrawn: int = 0
    is_done: bool = False


class _RowError(ValueError):
    pass


def parse_orders(data: bytes, zone: tzinfo = UTC) -> OrderFile:
    """The order lines in `data`. Never raises: bad rows are in `refused`, and the good rows are kept.

    A due_at without an offset is in `zone`. Without a time, it means the end of that day in `zone`.

    CSV needs a header with consignment_id, bin_id, expected and optionally due_at, item_volume_l and sku, separated by
    commas, semicolons or tabs. JSON is a list of objects with these names, or of consignments whose `lines` have
    bin_id and expected. JSON Lines has one such object per line. An empty list of `lines` withdraws all lines of
    the consignment.
    """
    found = _Found(zone)
    try:
        for number, row in rows_of(data):
            found.add(number, row)
    except BrokenError as error:
        found.refuse(error.line, error.reason)
    except UnreadableError as error:
        return refused_whole(error.reason, error.line)
    return found.file()


def refused_whole(reason: str, line: int = 1) -> OrderFile:
    """The content of a file in which nothing can be imported."""
    return OrderFile((), (RefusedRow(line, reason),), 1)


class _Found:
    """Collects the rows of a file as they are read."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._lines: dict[tuple[str, str], tuple[int, OrderLine]] = {}
        self._emptied: dict[str, int] = {}
        self._refused: list[RefusedRow] = []
        self._refused_rows = 0
        self._changed: list[ChangedId] = []
        self._changed_ids = 0

    def add(self, number: int, row: Mapping[str, Any]) -> None:
        try:
            if NO_LINES in row:
                self._emptied.setdefault(_consignment_id(row), number)
            else:
                self._add_line(number, _line(row, self._zone))
            self._note_changes(number, row)
        except _RowError as error:
            self.refuse(number, str(error))

    def _add_line(self, number: int, line: OrderLine) -> None:
        first, existing = self._lines.setdefault((line.consignment_id, line.bin_id), (number, line))
        if existing is not line:
            raise _RowError(f"consignment {line.consignment_id}, bin {line.bin_id} is already on line {first}.")

    def _note_changes(self, number: int, row: Mapping[str, Any]) -> None:
        for name in ("consignment_id",) if NO_LINES in row else ("consignment_id", "bin_id"):
            written = str(row.get(name, ""))
            if written and written != normalised(written):
                self._changed_ids += 1
                if len(self._changed) < MAX_LISTED:
                    self._changed.append(ChangedId(number, written[:MAX_SHOWN], normalised(written)[:MAX_SHOWN]))

    def refuse(self, number: int, reason: str) -> None:
        self._refused_rows += 1
        if len(self._refused) < MAX_LISTED:
            self._refused.append(RefusedRow(number, reason))

    def file(self) -> OrderFile:
        lines = tuple(line for _, line in self._lines.values())
        for consignment_id in {line.consignment_id for line in lines} & self._emptied.keys():
            reason = f"consignment {consignment_id} has lines elsewhere in the file, but no lines here."
            self.refuse(self._emptied.pop(consignment_id), reason)
        return OrderFile(
            lines,
            tuple(self._refused),
            self._refused_rows,
            tuple(self._changed),
            self._changed_ids,
            tuple(self._emptied),
        )


def _line(row: Mapping[str, Any], zone: tzinfo) -> OrderLine:
    if row.get(FAULT):
        raise _RowError(str(row[FAULT]))
    absent = [column for column in COLUMNS if row.get(column) in (None, "")]
    if absent:
        raise _RowError(f"{', '.join(absent)} is missing.")
    return OrderLine(
        _consignment_id(row),
        _bin_id(row["bin_id"]),
        _expected(row["expected"]),
        _due_at(row.get("due_at"), zone),
        item_volume_l=_item_volume(row.get("item_volume_l")),
        sku=_sku(row.get("sku")),
    )


def _consignment_id(row: Mapping[str, Any]) -> str:
    if row.get(FAULT):
        raise _RowError(str(row[FAULT]))
    text = _id("consignment_id", row.get("consignment_id", ""))
    if fault := fault_of_consignment_id(text):
        raise _RowError(f"consignment_id {shown(text)} {fault}.")
    return text


def _bin_id(value: object) -> str:
    text = _id("bin_id", value)
    if fault := fault_of_bin_id(text):
        raise _RowError(f"bin_id {shown(text)} {fault}.")
    return text


def _id(name: str, value: object) -> str:
    """An id as text. JSON may write it as a whole number, but not as `true`, or as 1.0, which is not the id 1."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _RowError(f"{name} {shown(value)} is neither text nor a whole number.")
    return normalised(str(value))


def _expected(value: object) -> int:
    text = value.strip() if isinstance(value, str) else value
    digits = str(text) if isinstance(text, str | int) and not isinstance(text, bool) else ""
    if not re.fullmatch(r"[0-9]{1,7}", digits) or int(digits) > MAX_EXPECTED:
        raise _RowError(f"expected {shown(text)} is not a whole number from 0 to {MAX_EXPECTED:,}.")
    return int(digits)


def _due_at(value: object, zone: tzinfo) -> str | None:
    text = "" if value is None else value
    try:
        if not isinstance(text, str):
            raise ValueError("not text")
        if not text.strip():
            return None
        return iso(due_at_of(text.strip(), zone))
    except (ValueError, OverflowError) as error:
        raise _RowError(f"due_at {shown(value)} is not a date such as 2026-05-04 or 2026-05-04T16:00:00Z.") from error


def _item_volume(value: object) -> float | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        return item_volume_of(value)
    except ValueError as error:
        raise _RowError(f"item_volume_l {shown(value)} {error}.") from error


def _sku(value: object) -> str:
    text = _id("sku", "" if value is None else value)
    if text and (fault := fault_of_sku(text)):
        raise _RowError(f"sku {shown(text)} {fault}.")
    return text


def shown(value: object) -> str:
    """The beginning of a value, for a reason: text in quotes, any other value as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    short = text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
    return repr(short) if isinstance(value, str) else short
