"""The time that the local SageMaker lives by: the machine's. Tests hand in one that they move on."""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch."""

    def wait(self, stopped: threading.Event, seconds: float) -> bool:
        """Returns after `seconds`, or earlier with True once `stopped` is set."""


class SystemClock:
    def now(self) -> float:
        return time.time()

    def wait(self, stopped: threading.Event, seconds: float) -> bool:
        return stopped.wait(seconds)
