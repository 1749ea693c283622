"""Runs scripts of training/ as a person does: each in a process of its own, with its own arguments and environment.

The processes are forked from a server that has already imported what the script needs: torch and the other large
libraries take longer to import than most of these tests take to run.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[3]
TRAINING = ROOT / "training"
LATE = {"jobs": "binjobs.launch", "package": "onnxscript", "train": "torch.utils.tensorboard"}  # not imported at start
SECONDS = 600  # a bound for a script that hangs


class Scripts:
    """The server; it ends with the block."""

    def __enter__(self) -> Scripts:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "tests.unit.training.scripts"]
        self._server = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._server.communicate()

    def run(
        self, script: str, *arguments: object, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one to its end, on one thread. Its environment is this process's unless another is given."""
        command = [str(TRAINING / script), *map(str, arguments)]
        given = {**(os.environ if environment is None else environment), "OMP_NUM_THREADS": "1"}
        assert self._server.stdin and self._server.stdout
        with TemporaryDirectory() as folder:
            request = {"command": command, "environment": given, "folder": folder}
            self._server.stdin.write(f"{json.dumps(request)}\n")
            self._server.stdin.flush()
            status = int(self._server.stdout.readline())
            said = [(Path(folder) / stream).read_text() for stream in ("stdout", "stderr")]
        return subprocess.CompletedProcess(command, status, *said)


def serve() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        name = Path(request["command"][0]).stem
        with suppress(ImportError):  # the script says what is missing
            import_module(name)
            import_module(LATE.get(name, name))
        process = get_context("fork").Process(target=run, kwargs=request)
        process.start()
        process.join(SECONDS)
        process.kill()  # which does nothing to one that has ended
        process.join()
        print(process.exitcode, flush=True)


def run(command: list[str], environment: dict[str, str], folder: str) -> None:
    """Run a script in this process, which ends with it."""
    for number, stream in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(f"{folder}/{stream}", os.O_CREAT | os.O_WRONLY), number)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = command
    runpy.run_path(command[0], run_name="__main__")


if __name__ == "__main__":
    sys.path.insert(0, str(TRAINING))
    serve()
