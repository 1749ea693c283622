"""Old names and phrases that must not come back: CONTRIBUTING.md, "Words". The history in two documents keeps them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("functions", "model_code", "training", "cli", "local", "events", "docs")
TESTS = ("tests", "benchmarks")
TEXT = {".py", ".md", ".yaml", ".toml", ".json", ".jsonl", ".html", ".ipynb", ".csv", ".txt", ".cfg", ".sh", ""}
HISTORY = {"CHANGELOG.md", "docs/decisions.md", "LICENSE", "model_code/weights/LICENSE", "tests/test_words.py"}

# People read "photo", code says `image`. The other names have a new one in the changelog or a standard term.
NAMES = re.compile(
    r"[Pp]hotograph|\b(?:take_in|make_round|given_up|give_back|is_silent|forgiven|Refusal|sureness|fuller|image_of|job_in|"
    r"entry_in|Collaborators|Patience|graves|lettering|courier|Learner|Weather|MOST_[A-Z]+|LONGEST_[A-Z]+)\b|\.shares\b"
)
PHRASES = re.compile(
    r"\b(?:told|alike|wholly|anew|mend|strangers?|of which|by heart|for there is|goes on where|again and again|"
    r"asked for again|smaller company|into the void|no number any more|was asked of)\b",
    re.IGNORECASE,
)


def files(*folders: str) -> Iterator[Path]:
    """Text files of these folders, and with "." those at the top."""
    for folder in folders:
        found = (ROOT / folder).glob("*") if folder == "." else (ROOT / folder).rglob("*")
        for path in found:
            named = path.relative_to(ROOT).as_posix()
            if path.is_file() and path.suffix in TEXT and named not in HISTORY and "__pycache__" not in path.parts:
                yield path


def found_in(path: Path, pattern: re.Pattern[str]) -> list[str]:
    lines = enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
    return [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}" for number, line in lines for match in pattern.finditer(line)
    ]


def test_old_names_are_gone() -> None:
    assert [each for path in files(".", *ROOMS, *TESTS) for each in found_in(path, NAMES)] == []


def test_old_phrases_are_gone() -> None:
    assert [each for path in files(".", *ROOMS, *TESTS) for each in found_in(path, PHRASES)] == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (NAMES, "A Photograph was counted."),
        (NAMES, "def image_of(item):"),
        (NAMES, "MOST_BYTES = 1"),
        (NAMES, "count.shares"),
        (PHRASES, "Mend the cause."),
        (PHRASES, "A file of which nothing can be taken."),
    ],
)
def test_an_old_word_is_found(pattern: re.Pattern[str], line: str) -> None:
    assert pattern.search(line)


def test_the_files_are_read() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in files(".", *ROOMS, *TESTS)}

    assert {"README.md", "Makefile", "template.yaml", "events/README.md", "functions/bintally/domain/bins.py"} <= names
