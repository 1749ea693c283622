"""The inference container, here a subprocess that is monitored through /ping and restarted when it exits.

SageMaker's contract: GET /ping responds with 200 within 2 seconds once the model is loaded. POST /invocations predicts.
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
from typing import Protocol

import urllib3

from binlocal.processes import answers, free_port
from binlocal.sagemaker.errors import ContainerError, ContainerNotReadyError, ContainerTimeoutError

STARTUP_SECONDS = 60.0
RESTART_PAUSE_SECONDS = 0.5
STOP_SECONDS = 3.0
READY_POLL_SECONDS = 0.2
# Our own model server sets this itself. It keeps ONNX Runtime in other model servers from sending telemetry.
NO_TELEMETRY = {"ORT_DISABLE_TELEMETRY": "1"}


@dataclass(frozen=True)
class ContainerResponse:
    status: int
    content_type: str
    body: bytes
    custom_attributes: str | None = None


class ModelServer(Protocol):
    """A container. `invoke` returns any HTTP response, and raises ContainerError if there is none."""

    @property
    def status(self) -> str: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def wait_until_started(self) -> str: ...
    def invoke(self, body: bytes, headers: Mapping[str, str], timeout: float) -> ContainerResponse: ...


class Container:
    """A model server. `command` gets `--host 127.0.0.1 --port N` appended; `environment` is the model's own."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._command = [*command]
        self._environment = {**os.environ, **NO_TELEMETRY, **environment}
        self._log = log
        self._ready = threading.Event()
        self._first_start_ended = threading.Event()
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
        """The endpoint status: Creating, InService (also while restarting) or Failed (it never started)."""
        if not self._first_start_ended.is_set():
            return "Creating"
        return "InService" if self._has_served else "Failed"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        self._watcher.start()

    def stop(self) -> None:
        """Can be called before `start`, and repeatedly."""
        self._stopped.set()
        self._ready.clear()
        self._end_process()
        if self._watcher.is_alive():
            self._watcher.join(STOP_SECONDS)

    def wait_until_started(self) -> str:
        """Waits until the first start has succeeded or failed, and returns the status."""
        self._first_start_ended.wait(STARTUP_SECONDS + STOP_SECONDS)
        return self.status

    def kill(self) -> None:
        """Sends SIGKILL, as a machine that is out of memory does. The model server is then restarted."""
        if self._process:
            self._process.kill()

    def invoke(self, body: bytes, headers: Mapping[str, str], timeout: float) -> ContainerResponse:
        """Returns the response, whatever its status. Raises a ContainerError if there is none."""
        if not self._becomes_ready(timeout):
            raise ContainerNotReadyError("the model server does not respond to /ping")
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
            raise ContainerTimeoutError(f"no response within {timeout:g} s") from error
        except urllib3.exceptions.HTTPError as error:
            raise ContainerError(f"the connection to the model server broke: {error}") from error
        return ContainerResponse(
            response.status,
            response.headers.get("Content-Type", "application/octet-stream"),
            response.data,
            response.headers.get("X-Amzn-SageMaker-Custom-Attributes"),
        )

    def _becomes_ready(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while not self._ready.wait(min(timeout, READY_POLL_SECONDS)):
            if self._stopped.is_set() or time.monotonic() > deadline:
                return False
        return True

    def _keep_running(self) -> None:
        self._run_once()
        while (self._has_served or self._was_killed()) and not self._stopped.wait(RESTART_PAUSE_SECONDS):
            self._run_once()
        self._first_start_ended.set()

    def _was_killed(self) -> bool:
        """Whether something else killed the process before it could serve. That does not count as a failed start."""
        return self._process is not None and self._process.returncode == -signal.SIGKILL

    def _run_once(self) -> None:
        process = self._start_process()
        if self._passes_ping(process):
            self._has_served = True
            self._ready.set()
            self._first_start_ended.set()
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
