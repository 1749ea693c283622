"""What the documents ask to be typed, and no test types: it has at least to name what exists."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from typing import Any

import pytest
from bincli.main import app
from binlocal.template import load_template
from typer.main import get_command

from tests.documents import DOCUMENTS, ROOT, Shown, mentioned, name_of, shown, transcript

SHOWN = shown()
ROOMS = ("functions", "model_code", "training", "cli", "local", "tests", "benchmarks")
MODULES = [path.relative_to(ROOT).as_posix() for folder in ROOMS for path in (ROOT / folder).rglob("*.py")]
# tests/stack/test_documents.py types these documents' lines while `bintally up` runs.
TYPED = ("README.md", "docs/operate.md", "events/README.md")
# These need Docker, an account, an hour, or another model.
ELSEWHERE = ("make ", "sam ", "docker build ", "python ")
REHEARSED = "docs/deploy.md: source .work/local/aws.env"  # tests/stack/test_rehearsal.py types it
UNTYPED = re.compile(r"^bintally .*(--stack|--model) ")


def typed_on_the_stack() -> list[tuple[str, list[str]]]:
    """The commands that tests/stack/test_documents.py types, once each, with the output that is shown for them."""
    found: dict[str, list[str]] = {}
    for line, output in (pair for name in TYPED for pair in transcript(ROOT / name)):
        if not line.startswith(ELSEWHERE) and not UNTYPED.match(line):
            found.setdefault(line, []).extend(output)
    return list(found.items())


def of(*programs: str) -> list[Shown]:
    return [one for one in SHOWN if one.words[0] in programs]


def test_each_line_is_typed_by_a_test_or_checked_below() -> None:
    checked = {"make", "sam", "docker", "python", "bintally", "source", "aws", "git", "pre-commit", "pytest"}

    assert [str(one) for one in SHOWN if one.words[0].removeprefix(".venv/bin/") not in checked] == []
    others = [one for one in of("aws", "source") if one.document not in (*TYPED, "CONTRIBUTING.md", "docs/train.md")]
    assert [str(one) for one in others] == [REHEARSED]


def test_no_command_hides_in_a_block_that_is_not_looked_at() -> None:
    languages = {
        (name_of(path), language)
        for path in DOCUMENTS
        if path.exists()
        for language in re.findall(r"^```(\w+)", path.read_text(), re.MULTILINE)
    }
    assert {(name, language) for name, language in languages if language in ("bash", "sh", "shell")} == set()


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = [*of("make"), *mentioned("make")]

    assert len(named) >= 5
    assert [str(one) for one in named if not targets.issuperset(w for w in one.words[1:] if "=" not in w)] == []


def command_of(words: list[str]) -> Any:
    """The command of `bintally` that a line calls."""
    command: Any = get_command(app)
    for word in words[1:]:
        if not hasattr(command, "commands"):
            break
        command = command.commands.get(word, command)
    return command


@pytest.mark.parametrize("one", [*of("bintally", ".venv/bin/bintally"), *mentioned("bintally")], ids=str)
def test_the_options_of_a_command_exist(one: Shown) -> None:
    command = command_of(one.words)
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    asked = [word for word in one.words if word.startswith("-")]

    assert not hasattr(command, "commands") or asked in ([], ["--help"], ["--version"]), f"no such command: {one}"
    assert [word for word in asked if word not in options | {"--help"}] == []


SCRIPTS = [one for one in [*of("python"), *mentioned("python")] if one.words[1].endswith(".py")]


@pytest.mark.parametrize("one", SCRIPTS, ids=str)
def test_the_scripts_take_the_flags_shown(one: Shown) -> None:
    _, script, *words = one.words
    step = words[0] if words and not words[0].startswith("-") else ""  # as in `jobs.py train`

    assert [flag for flag in re.findall(r" (--[a-z-]+)", one.line) if flag not in help_of(script, step)] == []


@cache
def help_of(script: str, step: str) -> str:
    """What `--help` prints; slow for scripts that import torch."""
    asked = [sys.executable, ROOT / script, *([step] if step else []), "--help"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout


def test_sam_is_shown_with_functions_and_events_that_exist() -> None:
    resources = load_template(ROOT / "template.yaml")["Resources"]
    found = [re.match(r"sam local invoke (\w+) -e (\S+)", one.line) for one in of("sam")]
    pairs = [(match[1], match[2]) for match in found if match]

    assert pairs
    assert [pair for pair in pairs if pair[0] not in resources or not (ROOT / pair[1]).is_file()] == []


def test_the_files_in_a_command_exist() -> None:
    found = {
        word for one in SHOWN for word in one.words if re.match(r"(events|tests|training|model_code|benchmarks)/", word)
    }
    assert found
    assert [word for word in sorted(found) if not (ROOT / word.split("::")[0]).exists()] == []


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path.exists()], ids=name_of)
def test_the_links_lead_somewhere(path: Any) -> None:
    text = path.read_text()
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not link.startswith("http")]

    broken = []
    for link in links:
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path.exists()], ids=name_of)
def test_the_modules_that_a_document_names_exist(path: Any) -> None:
    """Also in part: `domain/policy.py` is a module in one of the rooms."""
    modules = {f"/{each}" for each in MODULES}
    named = set(re.findall(r"`((?:[\w-]+/)*\w+\.py)`", path.read_text()))

    assert [name for name in sorted(named) if not any(each.endswith(f"/{name}") for each in modules)] == []


def anchors(text: str) -> set[str]:
    """The headings of a document as links name them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_short_and_says_first_what_to_expect() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()

    assert len(lines) <= 200
    assert any("about 7 of 8 order lines go to a person" in line for line in lines[:15])


def test_the_table_of_rooms_names_what_is_there() -> None:
    rows = re.findall(r"^\| `([^`]+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    paths = [row for row in rows if "/" in row or row.endswith(".yaml")]

    assert len(paths) >= 8
    assert [path for path in paths if not (ROOT / path).exists()] == []
