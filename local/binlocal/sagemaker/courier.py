"""Brings notifications and events to their queue, as well or as badly as the fault plan says."""

import logging
import threading
from collections.abc import Callable

from binlocal.sagemaker.clock import Clock
from binlocal.sagemaker.faults import Faults

Delivery = Callable[[], None]

logger = logging.getLogger(__name__)


class Courier:
    """Delivers once and at once, unless a fault drops, doubles, delays or reorders it.

    A reordered delivery waits for the next one to pass it, and no longer than the plan's delay. What waits when the
    process ends is lost.
    """

    def __init__(self, faults: Faults, clock: Clock) -> None:
        self._faults = faults
        self._clock = clock
        self._held: list[Delivery] = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def send(self, deliver: Delivery) -> None:
        """`deliver` is called once for each copy. Its errors are logged, never raised."""
        if self._faults.strikes("notifications.drop"):
            return
        copies = 2 if self._faults.strikes("notifications.double") else 1
        for _ in range(copies):
            self._send_copy(deliver)

    def stop(self) -> None:
        self._stopped.set()

    def _send_copy(self, deliver: Delivery) -> None:
        if self._faults.strikes("notifications.delay"):
            self._later(lambda: safely(deliver))
        elif self._faults.strikes("notifications.reorder"):
            with self._lock:
                self._held.append(deliver)
            self._later(lambda: self._let_go(deliver))
        else:
            safely(deliver)
            for held in self._held_now():
                self._let_go(held)

    def _held_now(self) -> list[Delivery]:
        with self._lock:
            return [*self._held]

    def _let_go(self, deliver: Delivery) -> None:
        with self._lock:
            if deliver not in self._held:
                return
            self._held.remove(deliver)
        safely(deliver)

    def _later(self, action: Delivery) -> None:
        seconds = self._faults.plan.delay_seconds

        def wait_and_act() -> None:
            if not self._clock.wait(self._stopped, seconds):
                action()

        threading.Thread(target=wait_and_act, daemon=True, name="courier").start()


def safely(deliver: Delivery) -> None:
    try:
        deliver()
    except Exception:
        # Whoever has something to tell outlives a topic or a queue that refuses it.
        logger.exception("A notification could not be delivered")
