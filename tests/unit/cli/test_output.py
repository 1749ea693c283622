from __future__ import annotations

import io
import sys
import unicodedata

import pytest
from bincli.output import quantity, remark, say, visible, visible_lines
from rich.console import Console

STEERING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def test_no_character_that_steers_a_terminal_or_shows_nothing_comes_through() -> None:
    shown = {visible(chr(number)) for number in range(sys.maxunicode + 1)}

    assert {character for text in shown for character in text if unicodedata.category(character) in STEERING} == set()
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
def test_what_is_not_seen_is_shown_as_its_escape_and_the_rest_as_it_is(raw: str, shown: str) -> None:
    assert visible(raw) == shown


def test_a_log_keeps_its_lines() -> None:
    assert visible_lines("a\x1b[2J\nb\r") == "a\\x1b[2J\nb\\r"


@pytest.mark.parametrize("terminal", [True, False])
def test_a_sentence_has_no_markup_no_emoji_and_no_line_breaks_but_a_terminals(terminal: bool) -> None:
    out = io.StringIO()

    say(Console(file=out, force_terminal=terminal, color_system=None, width=200), "[red]a[/] :bomb: \n" + "b" * 150)

    assert out.getvalue() == f"[red]a[/] :bomb: \\n{'b' * 150}\n"


def test_a_remark_does_not_get_into_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    pipe, terminal = io.StringIO(), io.StringIO()

    remark(Console(file=pipe), "2 jobs")
    remark(Console(file=terminal, force_terminal=True, color_system=None), "2 jobs")

    assert (pipe.getvalue(), terminal.getvalue(), capsys.readouterr().err) == ("", "2 jobs\n", "2 jobs\n")


@pytest.mark.parametrize(("number", "said"), [(0, "0 lines"), (1, "1 line"), (1200, "1,200 lines")])
def test_a_number_agrees_with_its_noun(number: int, said: str) -> None:
    assert quantity(number, "line") == said
