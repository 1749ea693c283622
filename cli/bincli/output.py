"""What people read: one function that makes foreign text harmless, and sentences that use it."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text


class Screen(Console):
    """Standard output, or standard error, as the commands use it."""

    def on_broken_pipe(self) -> None:
        """Rich would end with 1, which says something else."""
        raise BrokenPipeError


# Unicode counts these among the letters and marks, yet they show nothing.
BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def visible(text: object) -> str:
    r"""`text` on one line. Every character that shows nothing or steers a terminal is escaped: `\x1b`, `\u202e`.

    Those are what `str.isprintable` says: controls (C0, C1, newlines), format characters (bidirectional, zero-width),
    separators but the space, surrogates, private and unassigned ones. For people alone: it can't be undone, because a
    backslash stays a backslash. Programs take --json.
    """
    return "".join(
        character if character.isprintable() and character not in BLANK else _escaped(character)
        for character in str(text)
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def visible_lines(text: object) -> str:
    """The same of a text of several lines, such as a log, which keep their ends."""
    return "\n".join(map(visible, str(text).split("\n")))


def say(out: Console, sentence: object, style: str = "") -> None:
    """Print one line. Nothing in it is taken for markup, and only a terminal wraps it."""
    out.print(Text(visible(sentence), style), soft_wrap=not out.is_terminal)


def remark(out: Console, sentence: str) -> None:
    """Say something about a list: beneath it on a terminal, else on standard error: a pipe gets the list alone."""
    say(out if out.is_terminal else Console(stderr=True), sentence)


def quantity(number: int, noun: str) -> str:
    """`1 line`, `1,200 lines`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
