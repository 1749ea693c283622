"""`bintally up` in a process of its own, and the environment of a person's shell beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from binmodel.artifact import shipped

from tests.documents import ROOT
from tests.stack.conftest import DEADLINE, eventually

UP = "bintally up"
OWN = "bintally-local"  # the folder of the stack in BINTALLY_WORK
SAM_PROGRAMS = ROOT / ".venv" / "sam" / "bin"


@contextmanager
def running_up(folder: Path, *options: str) -> Iterator[dict[str, str]]:
    if not (shipped() / "model.json").exists():
        pytest.skip(f"There is no model in {shipped()}; training/package.py makes one.")
    path = os.pathsep.join([str(Path(sys.executable).parent), str(SAM_PROGRAMS), os.environ["PATH"]])
    environment = {**os.environ, "BINTALLY_WORK": str(folder), "PATH": path}
    running = subprocess.Popen([*UP.split(), *options], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        eventually((folder / OWN / "aws.env").exists, "bintally up")
        yield environment
    finally:
        running.send_signal(signal.SIGINT)
        assert running.wait(DEADLINE) == 0
