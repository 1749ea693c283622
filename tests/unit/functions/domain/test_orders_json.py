"""Order files in JSON and JSON Lines, and consignments without lines."""

from __future__ import annotations

import json

import pytest

from tests.unit.functions.domain.order_files import parsed, rows

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
def test_every_form_of_json_gives_the_same_line(document: object) -> None:
    assert rows(json.dumps(document)) == [("C-1", "P-17-C", 3, None)]
    assert rows(f"\ufeff\n {json.dumps(document, indent=2)}\n") == [("C-1", "P-17-C", 3, None)]


def test_lines_may_state_item_and_volume_as_numbers() -> None:
    entry = {"consignment_id": "C-1", "sku": 4711, "lines": [{"bin_id": "a", "expected": 1, "item_volume_l": 2}]}

    (line,) = parsed(json.dumps(entry)).lines

    assert (line.sku, line.item_volume_l) == ("4711", 2.0)


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
        {"consignment_id": "C-1", "bin_id": "b", "expected": 3, "item_volume_l": float("nan")},
        {"consignment_id": "C-1", "bin_id": "b", "expected": 3, "item_volume_l": float("inf")},
        {"consignment_id": "C-1", "bin_id": "b", "expected": 3, "item_volume_l": 1e308},
        {"consignment_id": "C-1", "bin_id": "b", "expected": 3, "item_volume_l": 10**30},
        {"consignment_id": "C-1", "bin_id": "b", "expected": 3, "item_volume_l": True},
        {"consignment_id": "C-1", "bin_id": "b", "expected": 3, "item_volume_l": [0.35]},
        {"consignment_id": "C-1", "bin_id": "b", "expected": 3, "sku": 4.5},
        {"consignment_id": "C-1", "bin_id": "b", "expected": 3, "sku": ["4711"]},
        {"order": 17},
        "text",
        17,
        None,
        [],
    ],
)
def test_a_bad_entry_is_reported_by_its_position_and_good_ones_are_kept(entry: object) -> None:
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


def test_a_bad_line_of_json_is_reported_and_good_ones_are_kept() -> None:
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


def test_other_fields_of_a_consignment_without_lines_are_ignored() -> None:
    """A report could not be written with half a character in it."""
    file = parsed(json.dumps([{"consignment_id": "C-1", "lines": [], "bin_id": " \ud800"}]))

    assert (file.emptied, file.changed_ids) == (("C-1",), 0)


def test_a_consignment_may_have_no_lines() -> None:
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
def test_json_that_is_not_an_order_file_is_rejected(text: str, line: int) -> None:
    file = parsed(text)

    assert file.lines == ()
    assert [row.line for row in file.refused] == [line]
