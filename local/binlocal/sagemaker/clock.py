"""The clock of the local SageMaker. Tests pass one that they control."""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch."""

    def wait(self, stopped: threading.Event, seconds: float) -> bool:
        """Waits for `seconds` or until `stopped` is set, and returns whether it is."""


class SystemClock:
    def now(self) -> float:
        return time.time()

    def wait(self, stopped: threading.Event, seconds: float) -> bool:
        return stopped.wait(seconds)
