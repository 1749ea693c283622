"""Delivers notifications and events to their queues, with the faults of the fault plan."""

import logging
import threading
from collections.abc import Callable

from binlocal.sagemaker.clock import Clock
from binlocal.sagemaker.faults import FaultInjector

Delivery = Callable[[], None]

logger = logging.getLogger(__name__)


class Notifier:
    """Delivers once and immediately, unless a fault drops, duplicates, delays or reorders the delivery.

    A reordered delivery waits until the next one has passed it, but no longer than the plan's delay. Waiting deliveries
    are lost when the process ends.
    """

    def __init__(self, faults: FaultInjector, clock: Clock) -> None:
        self._faults = faults
        self._clock = clock
        self._held: list[Delivery] = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def send(self, deliver: Delivery) -> None:
        """Calls `deliver` once for each copy. Errors are logged, never raised."""
        if self._faults.occurs("notifications.drop"):
            return
        copies = 2 if self._faults.occurs("notifications.double") else 1
        for _ in range(copies):
            self._send_copy(deliver)

    def stop(self) -> None:
        self._stopped.set()

    def _send_copy(self, deliver: Delivery) -> None:
        if self._faults.occurs("notifications.delay"):
            self._after_delay(lambda: safely(deliver))
        elif self._faults.occurs("notifications.reorder"):
            with self._lock:
                self._held.append(deliver)
            self._after_delay(lambda: self._release(deliver))
        else:
            safely(deliver)
            for held in self._held_copies():
                self._release(held)

    def _held_copies(self) -> list[Delivery]:
        with self._lock:
            return [*self._held]

    def _release(self, deliver: Delivery) -> None:
        with self._lock:
            if deliver not in self._held:
                return
            self._held.remove(deliver)
        safely(deliver)

    def _after_delay(self, action: Delivery) -> None:
        seconds = self._faults.plan.delay_seconds

        def wait_and_act() -> None:
            if not self._clock.wait(self._stopped, seconds):
                action()

        threading.Thread(target=wait_and_act, daemon=True, name="notifier").start()


def safely(deliver: Delivery) -> None:
    try:
        deliver()
    except Exception:
        # The sender must survive a topic or a queue that rejects its message.
        logger.exception("A notification could not be delivered")
