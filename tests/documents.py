"""The commands that the documents show, as the tests see them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "events/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
)


@dataclass(frozen=True)
class Shown:
    """One command line and the document that shows it, relative to the repository."""

    document: str
    line: str

    def __str__(self) -> str:
        return f"{self.document}: {self.line}"

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line)


def transcript(document: Path) -> list[tuple[str, list[str]]]:
    """Every line that a document asks to be typed, in its order, each with the output that is shown for it."""
    blocks = re.findall(r"^```console\n(.*?)^```", document.read_text(), re.DOTALL | re.MULTILINE)
    found: list[tuple[str, list[str]]] = []
    for line in (line for block in blocks for line in block.splitlines()):
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), []))
        else:
            found[-1][1].append(line)
    return found


def commands(document: Path) -> list[str]:
    """Every line that a document asks to be typed, in its order."""
    return [command for command, _ in transcript(document)]


def shown() -> list[Shown]:
    """The command lines of all documents."""
    return [Shown(name_of(path), line) for path in DOCUMENTS if path.exists() for line in commands(path)]


def mentioned(program: str) -> list[Shown]:
    """What documents say between backticks that begins with `program`: commands in the midst of a sentence."""
    spans = re.compile(rf"`({program} [^`\n]+)`")
    return [Shown(name_of(path), line) for path in DOCUMENTS if path.exists() for line in spans.findall(_prose(path))]


def name_of(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


def _prose(document: Path) -> str:
    return re.sub(r"^```.*?^```", "", document.read_text(), flags=re.DOTALL | re.MULTILINE)
