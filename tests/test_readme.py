"""What the README says that no test types: it has at least to name what exists."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.readme import ROOT, commands

# `make test` runs this test; `make demo` is `bintally demo`, which tests/stack runs; `make model-smoke` is
# training/smoke.py, which tests/unit/training runs; `make soak` is benchmarks/soak.py, which tests/stack/test_soak.py
# runs for a minute.
MAKE = {"make demo", "make test", "make build", "make model-smoke", "make soak"}
# These need Docker, an account, or an hour.
ELSEWHERE = ("sam local invoke ", "sam deploy ", "docker build ", "python training/", "bintally bins --stack ")
TRAINED = "bintally count tests/pictures --model .work/artifact"


def typed_on_the_stack() -> list[str]:
    """The commands that tests/stack/test_readme.py types."""
    return [c for c in commands() if c not in MAKE | {TRAINED} and not c.startswith(ELSEWHERE)]


def test_every_make_target_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert [c for c in MAKE if not re.search(rf"^{c.split()[1]}:", makefile, re.MULTILINE)] == []
    assert {c for c in commands() if c.startswith("make ")} == MAKE


def test_every_event_of_a_function_is_shown_with_sam_and_names_a_function_and_a_file() -> None:
    resources = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]
    shown = [re.match(r"sam local invoke (\w+) -e (\S+)", c) for c in commands() if c.startswith("sam local")]
    pairs = {(match[1], match[2]) for match in shown if match}

    folders = ("intake", "submit", "collect", "orders", "reconcile")
    events = {path for folder in folders for path in (ROOT / "events" / folder).glob("*.json")}
    assert pairs == {(f"{p.parent.name.capitalize()}Function", p.relative_to(ROOT).as_posix()) for p in events}
    assert {function for function, _ in pairs} <= set(resources)


@pytest.mark.parametrize("command", [c for c in commands() if c.startswith("python training/")])
def test_the_training_scripts_take_the_flags_shown(command: str) -> None:
    _, script, *words = command.split()
    step = [word for word in words[:1] if not word.startswith("-")]  # as in `jobs.py train`
    asked = [sys.executable, ROOT / script, *step, "--help"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    flags = re.findall(r" (--[a-z-]+)", command)
    assert [flag for flag in flags if flag not in said] == []


def test_the_table_of_rooms_names_what_is_there() -> None:
    rows = re.findall(r"^\| `([^`]+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    paths = [row for row in rows if "/" in row or row.endswith(".yaml")]
    assert len(paths) >= 8
    assert [path for path in paths if not (ROOT / path).exists()] == []
