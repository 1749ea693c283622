"""Order files in CSV: accepted forms, and rejected rows."""

from __future__ import annotations

import pytest
from bintally.domain.orders import OrderFile, RefusedRow, parse_orders

from tests.unit.functions.domain.order_files import GOOD, HEADER, parsed, refusals, rows

# ---- CSV as people save it


@pytest.mark.parametrize(
    "text",
    [
        "consignment_id,bin_id,expected\nC-1,P-17-C,3\n",
        "consignment_id,bin_id,expected\nC-1,P-17-C,3",
        "consignment_id,bin_id,expected\r\nC-1,P-17-C,3\r\n",
        "consignment_id,bin_id,expected\rC-1,P-17-C,3\r",
        "\ufeffconsignment_id,bin_id,expected\nC-1,P-17-C,3\n",
        "consignment_id;bin_id;expected\nC-1;P-17-C;3\n",
        "consignment_id\tbin_id\texpected\nC-1\tP-17-C\t3\n",
        '"consignment_id","bin_id","expected"\n"C-1","P-17-C","3"\n',
        "consignment_id, bin_id, expected\nC-1, P-17-C, 3 \n",
        "expected,consignment_id,bin_id\n3,C-1,P-17-C\n",
        "consignment_id,customer,bin_id,expected\nC-1,Acme Ltd,P-17-C,3\n",
        "consignment_id,bin_id,expected\n\nC-1,P-17-C,3\n\n\n",
        "consignment_id,bin_id,expected,due_at\nC-1,P-17-C,3,\n",
        "consignment_id,bin_id,expected,due_at\nC-1,P-17-C,3\n",
        "consignment_id,bin_id,expected\nC-1,P-17-C,0003\n",
    ],
)
def test_every_form_of_csv_gives_the_same_line(text: str) -> None:
    assert rows(text) == [("C-1", "P-17-C", 3, None)]


def test_any_bin_id_is_accepted() -> None:
    text = f'{HEADER}\nC-1,"shelf 4, left",1,\nC-1,"say ""hi""",2,\nC-1,日本 é,3,\nC-1,=1+1,4,\n'

    assert [bin_id for _, bin_id, _, _ in rows(text)] == ["shelf 4, left", 'say "hi"', "日本 é", "=1+1"]


def test_a_comma_inside_semicolons_is_part_of_the_cell() -> None:
    assert rows("consignment_id;bin_id;expected\nC-1;shelf 4, left;3\n") == [("C-1", "shelf 4, left", 3, None)]


def test_a_file_of_a_header_only_has_no_lines() -> None:
    assert parsed(HEADER) == OrderFile((), ())


# ---- What can't be taken is reported with its line, and the rest stands


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("C-1,P-17-C,many,", "expected 'many' is not a whole number from 0 to 1,000,000."),
        ("C-1,P-17-C,-1,", "expected '-1' is not a whole number from 0 to 1,000,000."),
        ("C-1,P-17-C,2.5,", "expected '2.5' is not a whole number from 0 to 1,000,000."),
        ("C-1,P-17-C,1e3,", "expected '1e3' is not a whole number from 0 to 1,000,000."),
        ("C-1,P-17-C,1000001,", "expected '1000001' is not a whole number from 0 to 1,000,000."),
        ("C-1,P-17-C,99999999999999999999,", "is not a whole number from 0 to 1,000,000."),
        ("C-1,P-17-C,٣,", "expected '٣' is not a whole number"),
        ("C-1,P-17-C,NaN,", "expected 'NaN' is not a whole number"),
        ("C-1,P-17-C,,", "expected is missing."),
        ("C-1,P-17-C", "expected is missing."),
        ("C-1", "bin_id, expected is missing."),
        (",,,", "consignment_id, bin_id, expected is missing."),
        ("C-1,  ,3,", "bin_id is missing."),
        ('C-1,"  ",3,', "bin_id '' must have 1 to 1,024 bytes."),
        (f"C-1,{'x' * 1025},3,", f"bin_id '{'x' * 100}…' must have 1 to 1,024 bytes."),
        (f"{'C' * 129},P-17-C,3,", "must have 1 to 128 characters."),
        ('"C\t1",P-17-C,3,', "consignment_id 'C\\t1' contains a control character."),
        ('"C\n1",P-17-C,3,', "consignment_id 'C\\n1' contains a control character."),
        ("C\x1b[31m,P-17-C,3,", "contains a control character."),
        ("C\x9b31m,P-17-C,3,", "contains a control character."),
        ("C\u20281,P-17-C,3,", "contains a control character."),
        ("C-1,P-17-C,3,,extra", "The row has more cells than the header."),
        ("C-1,P-17-C,3,tomorrow", "due_at 'tomorrow' is not a date such as 2026-05-04 or 2026-05-04T16:00:00Z."),
        ("C-1,P-17-C,3,2026-02-30", "due_at '2026-02-30' is not a date"),
        ("C-1,P-17-C,3,04.05.2026", "due_at '04.05.2026' is not a date"),
        ("C-1,P-17-C,3,0001-01-01T00:00:00+14:00", "due_at '0001-01-01T00:00:00+14:00' is not a date"),
        ("C-1,P-17-C,3,9999-12-31T23:59:59-14:00", "due_at '9999-12-31T23:59:59-14:00' is not a date"),
    ],
)
def test_a_bad_row_is_reported_and_good_rows_are_kept(row: str, reason: str) -> None:
    file = parsed(f"{HEADER}\nC-9,before,1,\n{row}\nC-9,after,2,\n")

    assert [line.bin_id for line in file.lines] == ["before", "after"]
    (refused,) = file.refused
    assert refused.line == 3
    assert reason in refused.reason


@pytest.mark.parametrize(
    ("cells", "volume", "sku"),
    [
        ("0.35,4711", 0.35, "4711"),
        (" 0.0012345678 , a b ", 0.001235, "a b"),
        ("1000,=1+1", 1000.0, "=1+1"),
        (",", None, ""),
        (" ,A\u0308", None, "Ä"),
    ],
)
def test_a_line_may_state_its_item_and_the_volume_of_one(cells: str, volume: float | None, sku: str) -> None:
    (line,) = parsed(f"consignment_id,bin_id,expected,Item Volume L,SKU\nC-1,a,3,{cells}\n").lines

    assert (line.item_volume_l, line.sku) == (volume, sku)


@pytest.mark.parametrize(
    "volume",
    ["nan", "inf", "-1", "0", "0.0009", "1000.1", "1e308", "1e-2", "0x1", "1_0", "٣", "=1+1", "1\x1b[0m", "two"],
)
def test_a_volume_that_is_no_number_of_litres_is_refused(volume: str) -> None:
    reasons = refusals(f"consignment_id,bin_id,expected,item_volume_l\nC-1,a,3,{volume}\nC-1,b,3,\n")

    assert reasons == {
        2: f"item_volume_l {volume!r} is not a number of litres from 0.001 to 1,000, such as 0.35.",
    }


def test_a_sku_is_refused_as_a_consignment_id_would_be() -> None:
    reasons = refusals(f"consignment_id,bin_id,expected,sku\nC-1,a,3,A\x1b[31m\nC-1,b,3,{'A' * 129}\n")

    assert reasons[2] == r"sku 'A\x1b[31m' contains a control character."
    assert reasons[3].endswith("must have 1 to 128 characters.")


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    text = f'{HEADER}\n\nC-1,"two\nlines",3,\n\nC-1,bad,x,\nC-1,"two\nlines, bad",x,\n'

    assert sorted(refusals(text)) == [6, 7]
    assert [line.bin_id for line in parsed(text).lines] == ["two\nlines"]


def test_an_unclosed_quote_is_reported_where_it_begins() -> None:
    file = parsed(f'{HEADER}\n{GOOD}\nC-1,"open,3,\nC-1,b,4,\nC-1,c,5,\n')

    assert [line.bin_id for line in file.lines] == ["P-17-C"]
    assert [row.line for row in file.refused] == [3]


def test_a_file_that_breaks_in_the_middle_keeps_earlier_rows() -> None:
    file = parsed(f'{HEADER}\nC-1,a,1,\nC-1,b,x,\nC-1,"{"y" * 200_000}",3,\nC-1,c,3,\n')

    assert [line.bin_id for line in file.lines] == ["a"]
    assert [row.line for row in file.refused] == [3, 4]
    assert "can't be read as CSV" in file.refused[-1].reason


def test_a_repeated_row_names_the_line_that_is_kept() -> None:
    file = parsed(f"{HEADER}\nC-1,a,1,\nC-1,b,2,\nC-1,a,9,\nC-2,a,3,\n")

    assert [(line.consignment_id, line.bin_id, line.expected) for line in file.lines] == [
        ("C-1", "a", 1),
        ("C-1", "b", 2),
        ("C-2", "a", 3),
    ]
    assert file.refused == (RefusedRow(4, "consignment C-1, bin a is already on line 2."),)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("consignment_id,bin_id", "The header lacks the column expected; it has: consignment_id, bin_id."),
        ("a,b,c", "The header lacks the column consignment_id, bin_id, expected; it has: a, b, c."),
        ("C-1,P-17-C,3", "The header lacks the column consignment_id, bin_id, expected; it has: C-1, P-17-C, 3."),
        ("", "The header lacks the column consignment_id, bin_id, expected; it has: nothing."),
    ],
)
def test_a_missing_column_is_reported_with_those_present(header: str, reason: str) -> None:
    assert parsed(f"{header}\nC-1,P-17-C,3\n" if header else "") == OrderFile((), (RefusedRow(1, reason),), 1)


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (HEADER.encode("utf-16"), 1, "The file is UTF-16 text. Save it as UTF-8."),
        (HEADER.encode("utf-16-be"), 1, "The file contains NUL bytes, as UTF-16 text does. Save it as UTF-8."),
        (HEADER.encode("utf-16-le"), 1, "The file contains NUL bytes, as UTF-16 text does. Save it as UTF-8."),
        (b"\xff\xfe", 1, "The file is UTF-16 text. Save it as UTF-8."),
        (f"{HEADER}\nC-1,é,3,".encode("latin-1"), 2, "The file is not UTF-8 text (line 2, byte 42)"),
        (b"PK\x03\x04workbook", 1, "an Excel workbook (.xlsx)"),
        (b"\xd0\xcf\x11\xe0workbook", 1, "an old Excel workbook (.xls)"),
        (b"\x1f\x8bfile", 1, "Decompress it first"),
    ],
)
def test_a_file_that_is_not_utf_8_is_rejected_with_advice(data: bytes, line: int, reason: str) -> None:
    file = parse_orders(data)

    assert file.lines == ()
    assert [row.line for row in file.refused] == [line]
    assert reason in file.refused[0].reason
    assert any(advice in file.refused[0].reason for advice in ("CSV UTF-8", "Decompress"))


@pytest.mark.parametrize(
    "header",
    [
        "Consignment ID,Bin ID,Expected",
        "CONSIGNMENT_ID,BIN_ID,EXPECTED",
        "consignmentId,binId,expected",
        "Consignment-Id, Bin_ID ,expected ",
    ],
)
def test_a_header_matches_without_regard_to_case_spaces_and_underscores(header: str) -> None:
    assert rows(f"{header}\nC-1,P-17-C,3\n") == [("C-1", "P-17-C", 3, None)]


@pytest.mark.parametrize(
    "header",
    [
        "consignment_id,bin_id,expected,expected",
        "consignment_id,bin_id,expected,Bin ID",
        "due_at,consignment_id,bin_id,expected,DUE AT",
    ],
)
def test_a_column_that_is_there_twice_is_an_error(header: str) -> None:
    file = parsed(f"{header}\nC-1,a,3,4,\n")

    assert file.lines == ()
    assert "twice" in file.refused[0].reason


def test_a_column_that_is_not_read_may_be_there_twice() -> None:
    assert rows("consignment_id,bin_id,expected,note,note,,\nC-1,P-17-C,3,x,y,,\n") == [("C-1", "P-17-C", 3, None)]
