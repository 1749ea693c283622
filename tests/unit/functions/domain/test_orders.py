from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from bintally.domain.order_rows import MAX_BYTES, MAX_ROWS
from bintally.domain.orders import MAX_LISTED, ChangedId, OrderFile, RefusedRow, parse_orders
from bintally.domain.times import iso
from bintally.domain.verdicts import OrderLine
from hypothesis import given
from hypothesis import strategies as st

HEADER = "consignment_id,bin_id,expected,due_at"
GOOD = "C-1,P-17-C,3,"


def parsed(text: str) -> OrderFile:
    return parse_orders(text.encode())


def rows(text: str) -> list[tuple[str, str, int, str | None]]:
    file = parsed(text)
    assert file.refused == ()
    return [(line.consignment_id, line.bin_id, line.expected, line.due_at) for line in file.lines]


def refusals(text: str) -> dict[int, str]:
    return {row.line: row.reason for row in parsed(text).refused}


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
def test_csv_in_its_many_forms_says_the_same(text: str) -> None:
    assert rows(text) == [("C-1", "P-17-C", 3, None)]


def test_a_bin_may_be_called_anything() -> None:
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
def test_a_bad_row_is_reported_and_the_good_stand(row: str, reason: str) -> None:
    file = parsed(f"{HEADER}\nC-9,before,1,\n{row}\nC-9,after,2,\n")

    assert [line.bin_id for line in file.lines] == ["before", "after"]
    (refused,) = file.refused
    assert refused.line == 3
    assert reason in refused.reason


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    text = f'{HEADER}\n\nC-1,"two\nlines",3,\n\nC-1,bad,x,\nC-1,"two\nlines, bad",x,\n'

    assert sorted(refusals(text)) == [6, 7]
    assert [line.bin_id for line in parsed(text).lines] == ["two\nlines"]


def test_a_quote_that_never_ends_is_reported_where_it_begins() -> None:
    file = parsed(f'{HEADER}\n{GOOD}\nC-1,"open,3,\nC-1,b,4,\nC-1,c,5,\n')

    assert [line.bin_id for line in file.lines] == ["P-17-C"]
    assert [row.line for row in file.refused] == [3]


def test_a_file_that_breaks_in_the_middle_keeps_what_came_before() -> None:
    file = parsed(f'{HEADER}\nC-1,a,1,\nC-1,b,x,\nC-1,"{"y" * 200_000}",3,\nC-1,c,3,\n')

    assert [line.bin_id for line in file.lines] == ["a"]
    assert [row.line for row in file.refused] == [3, 4]
    assert "can't be read as CSV" in file.refused[-1].reason


def test_a_repeated_row_names_the_line_that_stands() -> None:
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
def test_a_file_without_the_columns_says_which_it_has(header: str, reason: str) -> None:
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
def test_what_is_no_utf_8_text_is_refused_with_what_to_do(data: bytes, line: int, reason: str) -> None:
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


# ---- Ids


@pytest.mark.parametrize("consignment", ["PO 4711/2", "Lieferung-Ä", "注文 7", "C" * 128, "#1", "ä" * 128])
def test_a_consignment_may_be_called_as_people_call_it(consignment: str) -> None:
    assert rows(f"consignment_id,bin_id,expected\n{consignment},a,3\n") == [(consignment, "a", 3, None)]


def test_ids_have_one_form_and_what_changed_is_said() -> None:
    decomposed = "Regal-A\u0308"
    file = parsed(f'consignment_id,bin_id,expected\nC-1,{decomposed},3\nC-1,"b ",4\n{decomposed},c,1\nC-1,d,1\n')

    assert [line.bin_id for line in file.lines] == ["Regal-Ä", "b", "c", "d"]
    assert [line.consignment_id for line in file.lines] == ["C-1", "C-1", "Regal-Ä", "C-1"]
    assert file.changed == (
        ChangedId(2, decomposed, "Regal-Ä"),
        ChangedId(3, "b ", "b"),
        ChangedId(4, decomposed, "Regal-Ä"),
    )
    assert file.changed_ids == 3


def test_two_forms_of_one_id_are_one_line() -> None:
    file = parsed("consignment_id,bin_id,expected\nC-1,Ä,3\nC-1,A\u0308,4\n")

    assert [line.expected for line in file.lines] == [3]
    assert file.refused == (RefusedRow(3, "consignment C-1, bin Ä is already on line 2."),)


# ---- Limits


def test_a_file_with_too_many_rows_is_refused_whole() -> None:
    file = parse_orders(HEADER.encode() + b"\nC-1,a,1," * (MAX_ROWS + 1))

    assert file.lines == ()
    assert [row.reason for row in file.refused] == ["The file has more than 200,000 rows. Split it."]


def test_a_file_that_is_too_large_is_refused_whole() -> None:
    (refused,) = parse_orders(b"x" * (MAX_BYTES + 1)).refused

    assert refused.reason == "The file has 20,971,521 bytes; at most 20,971,520. Split it."


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (HEADER + "\nC-1,a,1," + "," * 1_000_001, "The line has 1,000,009 characters; at most 1,000,000."),
        ("," * 1_000, "The header has 1,001 columns; at most 1,000."),
        ("[" + "[]," * 300_001 + "[]]", "The file may hold 600,005 JSON values; at most 600,000."),
        ('{"lines": [' + "0," * 600_000 + "0]}", "The file may hold 600,003 JSON values; at most 600,000."),
    ],
)
def test_what_would_fill_the_memory_is_refused_before(data: str, reason: str) -> None:
    file = parsed(data)

    assert file.lines == ()
    assert reason in file.refused[0].reason


def test_of_very_many_refused_rows_the_first_are_named_and_all_are_counted() -> None:
    file = parsed(HEADER + "\nC-1,a,no," * (MAX_LISTED + 5) + "\nC-1,a,1,")

    assert len(file.lines) == 1
    assert (len(file.refused), file.refused_rows) == (MAX_LISTED, MAX_LISTED + 5)


def test_a_reason_shows_only_the_beginning_of_a_long_value() -> None:
    (refused,) = parsed(f"{HEADER}\nC-1,a,{'9' * 100_000},\n").refused

    assert len(refused.reason) < 200


# ---- JSON


@pytest.mark.parametrize(
    "document",
    [
        [{"consignment_id": "C-1", "bin_id": "P-17-C", "expected": 3}],
        [{"consignment_id": "C-1", "bin_id": "P-17-C", "expected": "3", "due_at": None, "note": [1]}],
        [{"consignment_id": "C-1", "lines": [{"bin_id": "P-17-C", "expected": 3}]}],
        {"orders": [{"consignment_id": "C-1", "bin_id": "P-17-C", "expected": 3}]},
        {"consignment_id": "C-1", "lines": [{"bin_id": "P-17-C", "expected": 3}]},
        {"consignment_id": "C-1", "bin_id": "P-17-C", "expected": 3},
    ],
)
def test_json_in_its_forms_says_the_same(document: object) -> None:
    assert rows(json.dumps(document)) == [("C-1", "P-17-C", 3, None)]
    assert rows(f"\ufeff\n {json.dumps(document, indent=2)}\n") == [("C-1", "P-17-C", 3, None)]


def test_a_line_of_a_consignment_may_be_due_at_another_time() -> None:
    document = {
        "consignment_id": "C-1",
        "due_at": "2026-05-04",
        "lines": [{"bin_id": "a", "expected": 1}, {"bin_id": "b", "expected": 2, "due_at": "2026-05-05"}],
    }

    assert [(bin_id, due) for _, bin_id, _, due in rows(json.dumps(document))] == [
        ("a", "2026-05-04T23:59:59.999Z"),
        ("b", "2026-05-05T23:59:59.999Z"),
    ]


@pytest.mark.parametrize(
    "entry",
    [
        {"consignment_id": "C-1", "bin_id": "b", "expected": True},
        {"consignment_id": "C-1", "bin_id": "b", "expected": 3.0},
        {"consignment_id": "C-1", "bin_id": "b", "expected": None},
        {"consignment_id": "C-1", "bin_id": "b", "expected": [3]},
        {"consignment_id": "C-1", "bin_id": ["b"], "expected": 3},
        {"consignment_id": "C-1", "bin_id": {"id": "b"}, "expected": 3},
        {"consignment_id": "C-1", "bin_id": "\ud800", "expected": 3},
        {"consignment_id": "\ud800", "bin_id": "b", "expected": 3},
        {"consignment_id": "C-1", "bin_id": "b", "expected": 3, "due_at": 20260504.5},
        {"consignment_id": "C-1", "bin_id": "b", "expected": 3, "due_at": 20260504},
        {"consignment_id": "C-1", "bin_id": "b", "expected": 3, "due_at": False},
        {"consignment_id": "C-1", "bin_id": True, "expected": 3},
        {"consignment_id": "C-1", "bin_id": False, "expected": 3},
        {"consignment_id": "C-1", "bin_id": None, "expected": 3},
        {"consignment_id": "C-1", "bin_id": 1.0, "expected": 3},
        {"consignment_id": True, "bin_id": "b", "expected": 3},
        {"consignment_id": 1.5, "bin_id": "b", "expected": 3},
        {"consignment_id": ["C-1"], "bin_id": "b", "expected": 3},
        {"consignment_id": "C-1", "bin_id": "b", "expected": float("nan")},
        {"consignment_id": "C-1", "bin_id": "b", "expected": 3, "due_at": "\ud800"},
        {"consignment_id": "C-1", "lines": ["b"]},
        {"order": 17},
        "text",
        17,
        None,
        [],
    ],
)
def test_a_bad_entry_is_reported_by_its_place_and_the_good_stand(entry: object) -> None:
    good = {"consignment_id": "C-9", "bin_id": "good", "expected": 1}
    file = parsed(json.dumps([good, entry, good | {"bin_id": "also good"}]))

    assert [line.bin_id for line in file.lines] == ["good", "also good"]
    assert [row.line for row in file.refused] == [2]
    assert file.refused[0].reason.encode()


def test_a_bin_that_a_consignment_names_twice_is_reported() -> None:
    lines = [{"bin_id": "a", "expected": 1}, {"bin_id": "a", "expected": 9}]
    file = parsed(json.dumps([{"consignment_id": "C-1", "lines": lines}]))

    assert [line.expected for line in file.lines] == [1]
    assert [row.line for row in file.refused] == [1]


@pytest.mark.parametrize(
    "entry",
    [
        '{"consignment_id": "C-1", "bin_id": "a", "bin_id": "b", "expected": 1}',
        '{"consignment_id": "C-1", "bin_id": "a", "expected": 1, "expected": 1}',
        '{"consignment_id": "C-1", "consignment_id": "C-2", "lines": [{"bin_id": "a", "expected": 1}]}',
        '{"consignment_id": "C-1", "lines": [{"bin_id": "a", "bin_id": "b", "expected": 1}]}',
        '{"consignment_id": "C-1", "consignment_id": "C-2", "lines": []}',
    ],
)
def test_a_key_that_is_there_twice_is_an_error(entry: str) -> None:
    good = '{"consignment_id": "C-9", "bin_id": "good", "expected": 1}'
    for text in (f"[{good}, {entry}]", f"{good}\n{entry}\n"):
        file = parsed(text)
        assert [line.bin_id for line in file.lines] == ["good"]
        assert [row.line for row in file.refused] == [2]
        assert "is in the JSON object twice" in file.refused[0].reason
        assert file.emptied == ()


def test_orders_that_are_there_twice_are_an_error() -> None:
    file = parsed('{"orders": [{"consignment_id": "C-1", "bin_id": "a", "expected": 1}], "orders": []}')

    assert file.lines == ()
    assert "'orders' is in the JSON object twice" in file.refused[0].reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[{"consignment_id": "C-1",\n "bin_id": ]', "Expecting value at line 2, column 12."),
        ("[1, 2", "Expecting ',' delimiter at line 1, column 6."),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_an_error_in_json_says_where(text: str, reason: str) -> None:
    assert reason in parsed(text).refused[0].reason


# ---- JSON Lines


def test_json_lines_say_the_same_as_a_list() -> None:
    text = (
        '{"consignment_id": "C-1", "bin_id": "a\u2028", "expected": 3}\n\n'
        '{"consignment_id": "C-2", "lines": [{"bin_id": "b", "expected": 1}, {"bin_id": "c", "expected": 2}]}\r\n'
    )

    for form in (text, f"\ufeff{text}", f"\n{text}"):
        assert [row[:3] for row in rows(form)] == [("C-1", "a", 3), ("C-2", "b", 1), ("C-2", "c", 2)]


def test_a_bad_line_of_json_is_reported_and_the_good_stand() -> None:
    good = '{"consignment_id": "C-1", "bin_id": "%s", "expected": 3}'
    bad = ['{"consignment_id": "C-1", "bin_id": }', "text", "[1]", '"C-1"', "{" * 5]
    file = parsed("\n".join([good % "a", *bad, good % "b"]))

    assert [line.bin_id for line in file.lines] == ["a", "b"]
    assert [row.line for row in file.refused] == [2, 3, 4, 5, 6]
    assert file.refused[0].reason == "The line is not valid JSON: Expecting value at column 37."


def test_a_bad_first_line_of_json_lines_costs_that_line_alone() -> None:
    file = parsed('{"consignment_id": }\n{"consignment_id": "C-1", "bin_id": "a", "expected": 3}\n')

    assert [line.bin_id for line in file.lines] == ["a"]
    assert [row.line for row in file.refused] == [1]


# ---- Consignments without lines


def test_what_a_consignment_without_lines_says_besides_is_not_read() -> None:
    """A report could not be written with half a character in it."""
    file = parsed(json.dumps([{"consignment_id": "C-1", "lines": [], "bin_id": " \ud800"}]))

    assert (file.emptied, file.changed_ids) == (("C-1",), 0)


def test_a_consignment_may_be_said_to_have_no_lines() -> None:
    file = parsed('[{"consignment_id": "C-1", "lines": []}, {"consignment_id": "C-2", "bin_id": "a", "expected": 1}]')

    assert file.emptied == ("C-1",)
    assert file.refused == ()
    assert file.consignments == ["C-2", "C-1"]


def test_a_consignment_with_and_without_lines_is_a_contradiction() -> None:
    file = parsed('[{"consignment_id": "C-1", "lines": []}, {"consignment_id": "C-1", "bin_id": "a", "expected": 1}]')

    assert (len(file.lines), file.emptied) == (1, ())
    assert [row.line for row in file.refused] == [1]


def test_a_consignment_without_lines_needs_its_id() -> None:
    file = parsed('[{"lines": []}, {"consignment_id": true, "lines": []}]')

    assert file.emptied == ()
    assert [row.line for row in file.refused] == [1, 2]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[{"consignment_id": "C-1",\n "bin_id": ]', 2),
        ("[", 1),
        ('{"orders": "none"}', 1),
        ('{"orders": {"C-1": 3}}', 1),
        ("[" * 100_000, 1),
        (f'[{{"consignment_id": "C-1", "bin_id": "b", "expected": {"9" * 5000}}}]', 1),
    ],
)
def test_json_that_is_no_order_file_is_refused_whole(text: str, line: int) -> None:
    file = parsed(text)

    assert file.lines == ()
    assert [row.line for row in file.refused] == [line]


# ---- Whatever the bytes

cells = st.one_of(
    st.sampled_from(["C-1", "P-17-C", "3", "-1", "", '"', '"a\nb"', "2026-05-04", "é"]), st.text(max_size=8)
)
csv_like = st.lists(st.lists(cells, max_size=5).map(",".join), max_size=6).map(lambda body: "\n".join([HEADER, *body]))
json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["consignment_id", "bin_id", "expected", "due_at", "lines", "orders"]), inner)
    ),
    max_leaves=12,
).map(json.dumps)


@given(st.one_of(st.binary(), st.text().map(str.encode), csv_like.map(str.encode), json_like.map(str.encode)))
def test_reading_orders_never_raises_and_what_it_takes_can_be_stored(data: bytes) -> None:
    file = parse_orders(data)

    assert all(0 <= line.expected <= 1_000_000 and 1 <= len(line.bin_id.encode()) <= 1024 for line in file.lines)
    assert len({(line.consignment_id, line.bin_id) for line in file.lines}) == len(file.lines)
    assert all(row.line >= 1 and row.reason.encode() for row in file.refused)
    assert all(each.written.encode() and each.imported_as.encode() for each in file.changed)


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,10}", fullmatch=True),
            st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=10),
            st.integers(0, 1_000_000),
        ),
        max_size=8,
        unique_by=lambda row: row[:2],
    ),
    st.sampled_from([",", ";", "\t"]),
)
def test_what_is_written_as_csv_is_read_back(orders: list[tuple[str, str, int]], delimiter: str) -> None:
    quoted = [
        [consignment, '"' + bin_id.replace('"', '""') + '"', str(number)] for consignment, bin_id, number in orders
    ]
    text = "\n".join(delimiter.join(row) for row in [["consignment_id", "bin_id", "expected"], *quoted])

    assert rows(text) == [(*row, None) for row in orders]


# ---- Dates


@pytest.mark.parametrize(
    ("written", "due"),
    [
        ("2026-05-04", "2026-05-04T23:59:59.999Z"),
        ("2026-05-04T16:00:00Z", "2026-05-04T16:00:00.000Z"),
        ("2026-05-04 16:00", "2026-05-04T16:00:00.000Z"),
        ("2026-05-04T18:00:00+02:00", "2026-05-04T16:00:00.000Z"),
        (" 2026-05-04 ", "2026-05-04T23:59:59.999Z"),
        ("", None),
        ("  ", None),
    ],
)
def test_a_date_is_utc_unless_it_says_otherwise(written: str, due: str | None) -> None:
    assert rows(f"{HEADER}\nC-1,P-17-C,3,{written}\n") == [("C-1", "P-17-C", 3, due)]


def test_moments_as_text_sort_by_time() -> None:
    at_noon = datetime(2026, 5, 4, 12, tzinfo=UTC)
    moments = [
        at_noon,
        at_noon + timedelta(milliseconds=1),
        (at_noon + timedelta(milliseconds=2)).astimezone(timezone(timedelta(hours=-7))),
        at_noon + timedelta(days=300),
    ]

    assert [iso(moment) for moment in moments] == sorted(iso(moment) for moment in moments)
    assert iso(moments[2]) == "2026-05-04T12:00:00.002Z"


def test_a_line_is_pending_until_it_is_judged() -> None:
    assert parsed(f"{HEADER}\n{GOOD}\n").lines == (OrderLine("C-1", "P-17-C", 3, None),)
