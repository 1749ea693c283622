"""A container that is slow or dies in the middle of a request, as often as the fault plan says."""

import threading
from collections.abc import Mapping
from typing import Protocol

from binlocal.sagemaker.clock import Clock
from binlocal.sagemaker.container import Answer
from binlocal.sagemaker.errors import ContainerTimeoutError
from binlocal.sagemaker.faults import Faults
from binlocal.sagemaker.serving import Model

KILL_AFTER_SECONDS = 0.05


class MortalModel(Model, Protocol):
    def kill(self) -> None: ...


class FaultyModel:
    def __init__(self, model: MortalModel, faults: Faults, clock: Clock) -> None:
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

    def settle(self) -> str:
        return self._model.settle()

    def invoke(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Answer:
        if self._faults.strikes("model.slow"):
            self._be_slow(timeout)
        if self._faults.strikes("model.kill"):
            threading.Thread(target=self._kill_soon, daemon=True).start()
        return self._model.invoke(body, headers, timeout)

    def _be_slow(self, timeout: float) -> None:
        seconds = self._faults.plan.slow_seconds
        self._clock.wait(self._stopped, min(seconds, timeout))
        if seconds >= timeout:
            raise ContainerTimeoutError(f"no answer within {timeout:g} s")

    def _kill_soon(self) -> None:
        if not self._clock.wait(self._stopped, KILL_AFTER_SECONDS):
            self._model.kill()
