from __future__ import annotations

from dataclasses import replace

import pytest
from bintally.domain.catalogue import Catalogue, lacks_volume, parse_catalogue, with_volumes
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.functions.examples import order_line

HEADER = "sku,volume_l\n"


def parsed(text: str) -> Catalogue:
    return parse_catalogue(text.encode())


def test_a_catalogue_has_a_volume_for_each_sku() -> None:
    found = parsed("\ufeffVolume L;SKU;name\n0.35;MUG-1;Mug\n12; BOX-2 ;Box\n")

    assert (found.volumes, found.refused_rows) == ({"MUG-1": 0.35, "BOX-2": 12.0}, 0)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("MUG-1,", "volume_l '' is not a number of litres from 0.001 to 1,000, such as 0.35."),
        ("MUG-1", "volume_l '' is not a number of litres"),
        ("MUG-1,nan", "volume_l 'nan' is not"),
        ("MUG-1,-1", "volume_l '-1' is not"),
        ("MUG-1,1e308", "volume_l '1e308' is not"),
        ('MUG-1,"0,35"', "volume_l '0,35' is not"),
        ("MUG-1,1000.1", "volume_l '1000.1' is not"),
        (" ,1", "sku '' must have 1 to 128 characters."),
        ("A\x1b[2J,1", "contains a control character."),
        ("OK,2", "sku 'OK' is already in the catalogue; its first row counts."),
        ("MUG-1,1,2", "The row has more cells than the header."),
    ],
)
def test_a_bad_row_is_refused_and_the_others_count(row: str, reason: str) -> None:
    found = parsed(f"{HEADER}OK,0.5\n{row}\nLAST,2\n")

    assert found.volumes == {"OK": 0.5, "LAST": 2.0}
    assert [refused.line for refused in found.refused] == [3]
    assert reason in found.refused[0].reason


@pytest.mark.parametrize("data", [b"", b"sku,litres\nA,1\n", b"PK\x03\x04", b"\xff\xfes", b"sku,volume_l\nA,\xe9\n"])
def test_a_file_that_is_no_catalogue_has_no_volumes_and_a_reason(data: bytes) -> None:
    found = parse_catalogue(data)

    assert (found.volumes, found.refused_rows, len(found.refused)) == ({}, 1, 1)


def test_rows_before_a_broken_one_count() -> None:
    found = parsed(f'{HEADER}A,1\n"B,2\n')

    assert (found.volumes, found.refused_rows) == ({"A": 1.0}, 1)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: (HEADER + text).encode(errors="replace")))
def test_no_file_raises_an_error(data: bytes) -> None:
    found = parse_catalogue(data)

    assert all(0.001 <= volume <= 1_000 for volume in found.volumes.values())


def test_a_volume_of_the_line_itself_counts_before_the_catalogue() -> None:
    own = replace(order_line(3), sku="A", item_volume_l=2.0)
    named, unknown, none = (replace(order_line(3), sku=sku) for sku in ("A", "B", ""))

    found = with_volumes([own, named, unknown, none], {"A": 0.5, "": 9.0})

    assert [line.item_volume_l for line in found] == [2.0, 0.5, None, None]
    assert [lacks_volume(line) for line in found] == [False, False, True, False]
