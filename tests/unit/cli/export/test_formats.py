from __future__ import annotations

import csv
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bincli.errors import CommandError
from bincli.export.formats import WRITERS, Format, needs, write_csv, write_parquet, write_xlsx
from bintally.domain.risk import Odds
from bintally.domain.sheets import LINES, Value
from bintally.domain.verdicts import OrderLine, Verdict

FORMULA = OrderLine("=cmd|'x'!A1", "https://example.com\n", 3, None, "1", Verdict.SHORT, "why", 2, odds=Odds(0.9, 0.0))
PLAIN = OrderLine("C-1", "日本", 7, "2026-05-04T16:00:00.000Z", "1", counted_at_least=6, overdue=True)
SPREADSHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def cells(path: Path) -> list[list[str | None]]:
    """The texts of a sheet, row by row. Fails if there is a formula or a link."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))  # noqa: S314, written by the test
    assert not any("rels" in name and "worksheets" in name for name in names), "a link"
    assert not list(sheet.iter(f"{SPREADSHEET}f")), "a formula"
    return [["".join(cell.itertext()) for cell in row] for row in sheet.iter(f"{SPREADSHEET}row")]


def test_csv_is_read_by_excel_and_has_no_formula(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"

    assert write_csv(path, LINES, map(LINES.row, [FORMULA, PLAIN])) == 2

    assert path.read_bytes().startswith(b"\xef\xbb\xbfconsignment_id,bin_id,expected,")
    first, second = csv.DictReader(path.read_text("utf-8-sig").splitlines())
    assert (first["consignment_id"], first["bin_id"]) == ("'=cmd|'x'!A1", "https://example.com\\u000a")
    assert (second["bin_id"], second["counted_at_least"], second["overdue"], second["risk"]) == (
        "日本",
        "6",
        "True",
        "",
    )


def test_xlsx_has_text_and_numbers_but_no_formula_and_no_link(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"

    assert write_xlsx(path, LINES, map(LINES.row, [FORMULA, PLAIN])) == 2

    header, first, second = cells(path)
    assert header == LINES.names
    assert first[:5] == ["=cmd|'x'!A1", "https://example.com\\u000a", "3", "2", "SHORT"]
    assert second[:4] == ["C-1", "日本", "7", "6"]


def test_parquet_has_types_also_of_empty_columns(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "a.parquet"

    assert write_parquet(path, LINES, map(LINES.row, [FORMULA, PLAIN])) == 2

    table = pq.read_table(path)
    assert table.to_pylist()[0] == dict(zip(LINES.names, LINES.row(FORMULA), strict=True))
    assert [str(table.schema.field(name).type) for name in ("bin_id", "expected", "risk", "overdue", "sku")] == [
        "string",
        "int64",
        "double",
        "bool",
        "string",
    ]


def many(number: int) -> Iterator[list[Value]]:
    for each in range(number):
        yield LINES.row(OrderLine(f"C-{each}", f"bin-{each}", 3, reason="r" * 60))


@pytest.mark.slow
@pytest.mark.parametrize("form", [Format.CSV, Format.PARQUET, Format.XLSX])
def test_many_rows_need_little_memory(tmp_path: Path, form: Format) -> None:
    WRITERS[form](tmp_path / "warm", LINES, many(1))
    tracemalloc.start()

    assert WRITERS[form](tmp_path / "a", LINES, many(30_000)) == 30_000

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32_000_000


@pytest.mark.parametrize("form", list(WRITERS))
def test_a_file_is_complete_or_as_it_was(tmp_path: Path, form: Format) -> None:
    def interrupted() -> Iterator[list[Value]]:
        yield LINES.row(PLAIN)
        raise CommandError("gone")

    path = tmp_path / "a"
    path.write_text("before")

    with pytest.raises(CommandError, match="gone"):
        WRITERS[form](path, LINES, interrupted())

    assert [each.name for each in tmp_path.iterdir()] == ["a"]
    assert path.read_text() == "before"


def test_a_missing_package_names_the_extra() -> None:
    with pytest.raises(CommandError, match=r"Install the extra `parquet`.*'\.\[parquet\]'"), needs("x", "parquet"):
        import a_package_that_is_not_installed  # type: ignore[import-not-found] # noqa: F401
