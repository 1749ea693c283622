"""Files of tables. Rows are written as they come, and a file is complete or absent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

from bintally.domain.sheets import Kind, Sheet, Value
from bintally.domain.spreadsheets import csv_lines, printable

from bincli.errors import CommandError

XLSX_ROWS = 1_048_575  # of a sheet, without its header
XLSX_CHARACTERS = 32_767  # of a cell
ROW_GROUP = 10_000  # rows that a Parquet file keeps together

Rows = Iterable[Sequence[Value]]


class Format(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"
    JSON = "json"


def write_csv(target: Path, sheet: Sheet[Any], rows: Rows) -> int:
    """Begins with a byte order mark, without which Excel does not read it as UTF-8. Returns the number of rows."""
    counted = Counted(rows)
    with complete(target) as unfinished, unfinished.open("w", encoding="utf-8-sig", newline="") as file:
        file.writelines(csv_lines(sheet.names, counted))
    return counted.number


def write_xlsx(target: Path, sheet: Sheet[Any], rows: Rows) -> int:
    """Text is text and never a formula or a link. Returns the number of rows. Raises CommandError for too many."""
    with needs("xlsxwriter", "xlsx"):
        from xlsxwriter import Workbook
    with complete(target) as unfinished, Workbook(unfinished, {"constant_memory": True}) as book:
        page = book.add_worksheet("bintally")
        page.freeze_panes(1, 0)
        page.set_column(0, len(sheet.columns) - 1, 18)
        bold, number = book.add_format({"bold": True}), 0
        for place, name in enumerate(sheet.names):
            page.write_string(0, place, name, bold)
        for number, row in enumerate(rows, 1):
            if number > XLSX_ROWS:
                raise CommandError(f"{target}: an .xlsx sheet has at most {XLSX_ROWS:,} rows. Write .csv or .parquet.")
            _write_row(page, number, row)
        page.autofilter(0, 0, number, len(sheet.columns) - 1)
    return number


def _write_row(page: Any, number: int, row: Sequence[Value]) -> None:
    for place, value in enumerate(row):
        if isinstance(value, str):
            page.write_string(number, place, printable(value)[:XLSX_CHARACTERS])
        elif isinstance(value, bool):
            page.write_boolean(number, place, value)
        elif value is not None:
            page.write_number(number, place, value)


def write_parquet(target: Path, sheet: Sheet[Any], rows: Rows) -> int:
    """Returns the number of rows."""
    with needs("pyarrow", "parquet"):
        import pyarrow as pa
        import pyarrow.parquet as pq
    types = {Kind.TEXT: pa.string(), Kind.WHOLE: pa.int64(), Kind.NUMBER: pa.float64(), Kind.FLAG: pa.bool_()}
    schema = pa.schema([(column.name, types[column.kind]) for column in sheet.columns])
    counted = Counted(rows)
    with complete(target) as unfinished, pq.ParquetWriter(unfinished, schema) as writer:
        found = iter(counted)
        while group := list(islice(found, ROW_GROUP)):
            columns = [
                pa.array(values, kind) for values, kind in zip(zip(*group, strict=True), schema.types, strict=True)
            ]
            writer.write_table(pa.table(columns, schema=schema))
    return counted.number


WRITERS: dict[Format, Callable[[Path, Sheet[Any], Rows], int]] = {
    Format.CSV: write_csv,
    Format.XLSX: write_xlsx,
    Format.PARQUET: write_parquet,
}


class Counted:
    """Rows that are counted as they are read."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.number = 0

    def __iter__(self) -> Iterator[Sequence[Value]]:
        for row in self._rows:
            self.number += 1
            yield row


@contextmanager
def needs(package: str, extra: str) -> Iterator[None]:
    """Turn a missing package into a sentence that names the extra it comes with."""
    try:
        yield
    except ImportError as error:
        raise CommandError(
            f".{extra} files need {package}, which is not installed. Install the extra `{extra}`: in the folder of "
            f"bintally, run pip install '.[{extra}]'. Or write .csv."
        ) from error


@contextmanager
def complete(target: Path) -> Iterator[Path]:
    """A temporary name for a file that gets the name `target` when it is complete."""
    unfinished = target.with_name(f"{target.name}.part")
    try:
        yield unfinished
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
