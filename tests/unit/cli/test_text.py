from __future__ import annotations

import sys
import unicodedata

import pytest
from bincli.text import quantity, verb, visible, visible_lines

STEERING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def test_no_character_that_steers_a_terminal_or_shows_nothing_comes_through() -> None:
    shown = set(visible("".join(map(chr, range(sys.maxunicode + 1)))))

    assert {character for character in shown if unicodedata.category(character) in STEERING} == set()
    assert not {"\u00a0", "\u3164", "\u2800", "\u115f"} & shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b]52;c;aGk=\x07", r"\x1b]52;c;aGk=\x07"),
        ("a\u202eb\u2066\u200b", r"a\u202eb\u2066\u200b"),
        ("a\r\nb\tc\x85\u2028", r"a\r\nb\tc\x85\u2028"),
        ("caf\udce9", r"caf\udce9"),
        ("P-17-C/日本 é😀.jpg", "P-17-C/日本 é😀.jpg"),
        (r"C:\shelf", r"C:\shelf"),
    ],
)
def test_invisible_characters_are_escaped_and_the_rest_is_unchanged(raw: str, shown: str) -> None:
    assert visible(raw) == shown


def test_a_log_keeps_its_lines() -> None:
    assert visible_lines("a\x1b[2J\nb\r") == "a\\x1b[2J\nb\\r"


@pytest.mark.parametrize(("number", "said"), [(0, "0 lines"), (1, "1 line"), (1200, "1,200 lines")])
def test_a_number_agrees_with_its_noun(number: int, said: str) -> None:
    assert quantity(number, "line") == said


def test_a_verb_agrees_with_its_number() -> None:
    assert [verb(number, "is", "are") for number in (0, 1, 2)] == ["are", "is", "are"]
