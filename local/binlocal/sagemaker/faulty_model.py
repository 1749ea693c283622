"""A model server that is slow or dies in the middle of a request, as often as the fault plan says."""

import threading
from collections.abc import Mapping
from typing import Protocol

from binlocal.sagemaker.clock import Clock
from binlocal.sagemaker.container import ContainerResponse, ModelServer
from binlocal.sagemaker.errors import ContainerTimeoutError
from binlocal.sagemaker.faults import FaultInjector

KILL_AFTER_SECONDS = 0.05


class KillableModelServer(ModelServer, Protocol):
    def kill(self) -> None: ...


class FaultyModelServer:
    def __init__(self, model: KillableModelServer, faults: FaultInjector, clock: Clock) -> None:
        self._model = model
        self._faults = faults
        self._clock = clock
        self._stopped = threading.Event()

    @property
    def status(self) -> str:
        return self._model.status

    def start(self) -> None:
        self._model.start()

    def stop(self) -> None:
        self._stopped.set()
        self._model.stop()

    def wait_until_started(self) -> str:
        return self._model.wait_until_started()

    def invoke(self, body: bytes, headers: Mapping[str, str], timeout: float) -> ContainerResponse:
        if self._faults.occurs("model.slow"):
            self._delay(timeout)
        if self._faults.occurs("model.kill"):
            threading.Thread(target=self._kill_soon, daemon=True).start()
        return self._model.invoke(body, headers, timeout)

    def _delay(self, timeout: float) -> None:
        seconds = self._faults.plan.slow_seconds
        self._clock.wait(self._stopped, min(seconds, timeout))
        if seconds >= timeout:
            raise ContainerTimeoutError(f"no response within {timeout:g} s")

    def _kill_soon(self) -> None:
        if not self._clock.wait(self._stopped, KILL_AFTER_SECONDS):
            self._model.kill()
