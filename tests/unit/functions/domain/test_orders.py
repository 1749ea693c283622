from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from bintally.domain.orders import OrderFile, RefusedRow, iso, parse_orders
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
        ('C-1,"  ",3,', "bin_id has to be 1 to 1,024 bytes."),
        (f"C-1,{'x' * 1025},3,", "bin_id has to be 1 to 1,024 bytes."),
        ("C 1,P-17-C,3,", "consignment_id 'C 1' is not 1 to 64 letters, digits, dots, dashes, underscores."),
        ("../etc,P-17-C,3,", "consignment_id '../etc' is not 1 to 64 letters"),
        (f"{'C' * 65},P-17-C,3,", "is not 1 to 64 letters"),
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
    assert file.refused == (RefusedRow(4, "consignment C-1, bin a is on line 2 already."),)


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
    assert parsed(f"{header}\nC-1,P-17-C,3\n" if header else "") == OrderFile((), (RefusedRow(1, reason),))


@pytest.mark.parametrize("data", [HEADER.encode("utf-16"), b"\xff\xfe", f"{HEADER}\nC-1,é,3,".encode("latin-1")])
def test_text_that_is_not_utf_8_is_refused_with_what_to_do(data: bytes) -> None:
    (refused,) = parse_orders(data).refused

    assert refused.line == 1
    assert "Save it as UTF-8" in refused.reason


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
