"""The README's own lines, typed into a shell while `bintally up` runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from binmodel.artifact import shipped

from tests.readme import ROOT
from tests.stack.conftest import DEADLINE, eventually
from tests.test_readme import typed_on_the_stack

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]
UP = "bintally up"
OWN = "bintally-local"  # the folder of the stack in BINTALLY_WORK


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a person's shell beside a running `bintally up`."""
    if not (shipped() / "model.json").exists():
        pytest.skip(f"There is no model in {shipped()}; training/package.py makes one.")
    folder = tmp_path_factory.mktemp("up")
    programs = [str(Path(sys.executable).parent), str(ROOT / ".venv" / "sam" / "bin")]
    environment = {**os.environ, "BINTALLY_WORK": str(folder), "PATH": os.pathsep.join([*programs, os.environ["PATH"]])}
    running = subprocess.Popen(UP.split(), cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        eventually((folder / OWN / "aws.env").exists, "bintally up")
        yield environment
    finally:
        running.send_signal(signal.SIGINT)
        assert running.wait(DEADLINE) == 0


def typed(command: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """One command in a shell that has sourced the stack's environment."""
    folder = f"{environment['BINTALLY_WORK']}/{OWN}"
    script = f"source {folder}/aws.env\n{command.replace('.work/local', folder)}"
    return subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_the_lines_work_in_their_order(up: dict[str, str]) -> None:
    if not (ROOT / ".venv" / "sam" / "bin" / "aws").exists():
        pytest.skip("The AWS command is not installed: make check installs it.")
    lines = typed_on_the_stack()
    assert UP in lines
    assert sum(line.startswith("aws ") for line in lines) >= 3
    for line in lines:
        if line == UP:
            continue
        done = typed(line, up)
        # What a photograph or an order file sets going ends a moment later.
        deadline = time.monotonic() + DEADLINE
        while line.startswith(("aws dynamodb", "bintally bins")) and done.stdout.split()[:1] in ([], ["None"]):
            assert time.monotonic() < deadline, (line, done)
            time.sleep(0.3)
            done = typed(line, up)
        assert done.returncode == 0, (line, done)
