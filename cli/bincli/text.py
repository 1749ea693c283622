"""Plain text for people: escapes untrusted text, and makes nouns and verbs agree with numbers."""

from __future__ import annotations

from typing import NamedTuple

# Unicode classifies these as letters or marks, but they are invisible.
BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


class Styled(NamedTuple):
    """Text with one of rich's styles, such as `bold red`."""

    text: str
    style: str


def visible(text: object) -> str:
    r"""`text` on one line, with every invisible or terminal-controlling character escaped: `\x1b`, `\u202e`.

    These are the characters that `str.isprintable` rejects: controls (C0, C1, newlines), format characters
    (bidirectional, zero-width), separators except the space, surrogates, and private and unassigned code points.
    Backslashes stay as they are, so this can't be reversed; programs use --json.
    """
    return "".join(
        character if character.isprintable() and character not in BLANK else _escaped(character)
        for character in str(text)
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def visible_lines(text: object) -> str:
    """The same for text of several lines, such as a log. Line ends are kept."""
    return "\n".join(map(visible, str(text).split("\n")))


def quantity(number: int, noun: str) -> str:
    """`1 line`, `1,200 lines`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def verb(number: int, singular: str, plural: str) -> str:
    """`is` or `are`, `was` or `were`, by `number`."""
    return singular if number == 1 else plural
