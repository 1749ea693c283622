"""The inference container, here a subprocess: started, watched through /ping, started again when it dies.

SageMaker's contract: GET /ping answers 200 within 2 seconds once the model is loaded; POST /invocations predicts.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import urllib3

from binlocal.processes import answers, free_port
from binlocal.sagemaker.errors import ContainerError, ContainerNotReadyError, ContainerTimeoutError

STARTUP_SECONDS = 60.0
RESTART_PAUSE_SECONDS = 0.5
STOP_SECONDS = 3.0
READY_LOOK_SECONDS = 0.2
# For a model server that is not ours: ONNX Runtime would report to its maker.
QUIET = {"ORT_DISABLE_TELEMETRY": "1"}


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str
    body: bytes
    custom_attributes: str | None = None


class Container:
    """A model server. `command` gets `--host 127.0.0.1 --port N` appended; `environment` is the model's own."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._command = [*command]
        self._environment = {**os.environ, **QUIET, **environment}
        self._log = log
        self._ready = threading.Event()
        self._settled = threading.Event()
        self._stopped = threading.Event()
        self._has_served = False
        self._process: subprocess.Popen[bytes] | None = None
        self._url = ""
        self._watcher = threading.Thread(target=self._keep_running, daemon=True, name="container")

    @property
    def ready(self) -> bool:
        return self._ready.is_set()

    @property
    def status(self) -> str:
        """As of an endpoint: Creating, InService (also while it starts again) or Failed (it never came up)."""
        if not self._settled.is_set():
            return "Creating"
        return "InService" if self._has_served else "Failed"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        self._watcher.start()

    def stop(self) -> None:
        """May be called before `start`, and again."""
        self._stopped.set()
        self._ready.clear()
        self._end_process()
        if self._watcher.is_alive():
            self._watcher.join(STOP_SECONDS)

    def settle(self) -> str:
        """Waits until the first start has come to an end; the status then."""
        self._settled.wait(STARTUP_SECONDS + STOP_SECONDS)
        return self.status

    def kill(self) -> None:
        """SIGKILL, as a machine that runs out of memory sends it. The model server is started again."""
        if self._process:
            self._process.kill()

    def invoke(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Answer:
        """Raises ContainerNotReadyError, ContainerTimeoutError or ContainerError; any HTTP status is an answer."""
        if not self._becomes_ready(timeout):
            raise ContainerNotReadyError("the model server does not answer /ping")
        try:
            response = urllib3.request(
                "POST",
                f"{self._url}/invocations",
                body=body,
                headers={**headers, "Connection": "close"},
                timeout=timeout,
                retries=False,
                decode_content=False,
            )
        except urllib3.exceptions.TimeoutError as error:
            raise ContainerTimeoutError(f"no answer within {timeout:g} s") from error
        except urllib3.exceptions.HTTPError as error:
            raise ContainerError(f"the model server broke off: {error}") from error
        return Answer(
            response.status,
            response.headers.get("Content-Type", "application/octet-stream"),
            response.data,
            response.headers.get("X-Amzn-SageMaker-Custom-Attributes"),
        )

    def _becomes_ready(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while not self._ready.wait(min(timeout, READY_LOOK_SECONDS)):
            if self._stopped.is_set() or time.monotonic() > deadline:
                return False
        return True

    def _keep_running(self) -> None:
        self._live_once()
        while (self._has_served or self._was_killed()) and not self._stopped.wait(RESTART_PAUSE_SECONDS):
            self._live_once()
        self._settled.set()

    def _was_killed(self) -> bool:
        """By somebody else, before it could serve: not a model server that can't."""
        return self._process is not None and self._process.returncode == -signal.SIGKILL

    def _live_once(self) -> None:
        process = self._start_process()
        if self._passes_ping(process):
            self._has_served = True
            self._ready.set()
            self._settled.set()
            process.wait()
            self._ready.clear()
        self._end_process()

    def _start_process(self) -> subprocess.Popen[bytes]:
        port = free_port()
        self._url = f"http://127.0.0.1:{port}"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, "--host", "127.0.0.1", "--port", str(port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
            )
        return self._process

    def _passes_ping(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + STARTUP_SECONDS
        while process.poll() is None and not self._stopped.is_set() and time.monotonic() < deadline:
            if answers(f"{self._url}/ping"):
                return True
            self._stopped.wait(0.05)
        return False

    def _end_process(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        process.kill()
        process.wait()
