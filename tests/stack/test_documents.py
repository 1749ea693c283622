"""The lines that the documents show, typed into a shell while `bintally up` runs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from binlocal.environment import create_client
from binlocal.state import find_running

from tests.documents import ROOT
from tests.stack.beside import OWN, UP, running_up
from tests.test_documents import typed_on_the_stack

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]
EVENTS_README = ROOT / "events" / "README.md"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a person's shell beside a running `bintally up`."""
    with running_up(tmp_path_factory.mktemp("up")) as environment:
        yield environment


def typed(command: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """One command in a shell that has sourced the stack's environment."""
    folder = f"{environment['BINTALLY_WORK']}/{OWN}"
    script = f"source {folder}/aws.env\n{command.replace('.work/local', folder)}"
    return subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_the_lines_work_one_after_another_and_print_what_is_shown(up: dict[str, str]) -> None:
    if not shutil.which("aws", path=up["PATH"]):
        pytest.skip("The AWS command is not installed: make check installs it.")
    lines = typed_on_the_stack()
    assert (UP, []) in lines
    assert sum(line.startswith("aws ") for line, _ in lines) >= 3
    for line, output in lines:
        if line == UP:
            continue
        done = typed(line, up)
        assert done.returncode == 0, (line, done)
        assert done.stdout.strip() != "None", line
        printed = normalised(done.stdout + done.stderr)
        assert [said for said in output if said != "..." and normalised(said) not in printed] == [], (line, done)


def test_the_events_work_in_their_order_where_their_readme_says_so(up: dict[str, str]) -> None:
    """Beside the lines of the test before, which bring the order files in."""
    state = find_running(Path(up["BINTALLY_WORK"]) / OWN)
    assert state is not None
    client = create_client(state["environment"], "lambda")
    rows = re.findall(r"^\| `(\w+)/([\w-]+\.json)` \|.*\| (yes|after) ?.*\|$", EVENTS_README.read_text(), re.MULTILINE)
    assert len(rows) >= 13
    for folder, name, _ in rows:
        event = (ROOT / "events" / folder / name).read_bytes()
        answer = client.invoke(FunctionName=state["outputs"][f"{folder.capitalize()}Function"], Payload=event)
        payload = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, (name, payload)
        assert payload.get("batchItemFailures", []) == [], name


def normalised(text: str) -> str:
    """A text without the width of its columns, and with every number the same: those of a run differ a little."""
    return re.sub(r"\d+", "0", re.sub(r"[ \t]+", " ", text))
