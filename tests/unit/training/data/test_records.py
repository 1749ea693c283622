import json

import pytest
from binlab.data.records import contents_of, contradiction, expected_quantity, items_of, parse_record
from hypothesis import given
from hypothesis import strategies as st

RECORD = {
    "BIN_FCSKU_DATA": {
        "B01154RB3S": {
            "asin": "B01154RB3S",
            "name": "Wine glasses",
            "quantity": 2,
            "height": {"unit": "IN", "value": 2.5},
            "length": {"unit": "IN", "value": 8.0},
            "width": {"unit": "CM", "value": 25.4},
            "weight": {"unit": "pounds", "value": 0.4},
        },
        "030798158X": {"name": None, "quantity": 1},
    },
    "EXPECTED_QUANTITY": 3,
}


def test_a_record_is_read() -> None:
    glasses, book = items_of(RECORD)

    assert expected_quantity(RECORD) == 3
    assert contents_of(RECORD) == (("030798158X", 1), ("B01154RB3S", 2))
    assert (glasses.sides, glasses.weight, glasses.kind) == ((pytest.approx(10), 8.0, 2.5), 0.4, "other goods")
    assert (book.sides, book.weight, book.kind, book.name) == (None, None, "book", "")


def test_a_record_that_contradicts_itself_or_the_label_says_how() -> None:
    assert contradiction(RECORD, 3) is None
    assert contradiction(RECORD, 2) == "the label is 2, but the record expects 3"
    assert contradiction({**RECORD, "EXPECTED_QUANTITY": 4}, 4) == "the label is 4, but the record lists 3"
    assert contradiction({}, 4) is None
    assert contradiction({"BIN_FCSKU_DATA": {}, "EXPECTED_QUANTITY": 0}, 0) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
)
ENTRIES = st.dictionaries(
    st.text(max_size=9), st.fixed_dictionaries({"quantity": JSON, "length": JSON, "weight": JSON})
)


@given(st.fixed_dictionaries({"EXPECTED_QUANTITY": JSON, "BIN_FCSKU_DATA": JSON | ENTRIES}) | JSON)
def test_no_record_makes_reading_fail(value: object) -> None:
    record = parse_record(json.dumps(value).encode())

    count = expected_quantity(record)
    assert count is None or count >= 0
    assert all(quantity >= 0 for _, quantity in contents_of(record))
    assert len(items_of(record)) == len(contents_of(record))
    contradiction(record, 3)


def test_an_invalid_record_is_empty() -> None:
    assert parse_record(b"\xff\xfe") == parse_record(b"[1]") == parse_record(b"{") == {}
