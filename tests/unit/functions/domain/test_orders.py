"""Order files of either format: ids, limits, dates, and arbitrary bytes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from bintally.domain.order_rows import MAX_BYTES, MAX_ROWS
from bintally.domain.orders import MAX_LISTED, ChangedId, RefusedRow, parse_orders
from bintally.domain.times import iso
from bintally.domain.verdicts import OrderLine
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.functions.domain.order_files import GOOD, HEADER, parsed, rows

# ---- Ids


@pytest.mark.parametrize("consignment", ["PO 4711/2", "Lieferung-Ä", "注文 7", "C" * 128, "#1", "ä" * 128])
def test_any_printable_consignment_id_is_accepted(consignment: str) -> None:
    assert rows(f"consignment_id,bin_id,expected\n{consignment},a,3\n") == [(consignment, "a", 3, None)]


def test_ids_are_normalised_and_changes_are_listed() -> None:
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


def test_two_unicode_forms_of_one_id_are_one_line() -> None:
    file = parsed("consignment_id,bin_id,expected\nC-1,Ä,3\nC-1,A\u0308,4\n")

    assert [line.expected for line in file.lines] == [3]
    assert file.refused == (RefusedRow(3, "consignment C-1, bin Ä is already on line 2."),)


# ---- Limits


def test_a_file_with_too_many_rows_is_rejected() -> None:
    file = parse_orders(HEADER.encode() + b"\nC-1,a,1," * (MAX_ROWS + 1))

    assert file.lines == ()
    assert [row.reason for row in file.refused] == ["The file has more than 200,000 rows. Split it."]


def test_a_file_that_is_too_large_is_rejected() -> None:
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
def test_a_file_that_would_fill_the_memory_is_rejected_first(data: str, reason: str) -> None:
    file = parsed(data)

    assert file.lines == ()
    assert reason in file.refused[0].reason


def test_the_first_rejected_rows_are_listed_and_all_are_counted() -> None:
    file = parsed(HEADER + "\nC-1,a,no," * (MAX_LISTED + 5) + "\nC-1,a,1,")

    assert len(file.lines) == 1
    assert (len(file.refused), file.refused_rows) == (MAX_LISTED, MAX_LISTED + 5)


def test_a_reason_truncates_a_long_value() -> None:
    (refused,) = parsed(f"{HEADER}\nC-1,a,{'9' * 100_000},\n").refused

    assert len(refused.reason) < 200


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
def test_parsing_orders_never_raises_and_accepted_lines_can_be_stored(data: bytes) -> None:
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
