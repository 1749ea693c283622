"""A clock that a test advances."""

import threading


class DrivenClock:
    """Stands still until `advance`, so that a test can wait for hours without delay."""

    POLL_SECONDS = 0.01

    def __init__(self, now: float = 0.0) -> None:
        self._now = now
        self._moved = threading.Condition()
        self._sleepers = 0

    @property
    def sleepers(self) -> int:
        """How many threads wait for this clock."""
        return self._sleepers

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        with self._moved:
            self._now += seconds
            self._moved.notify_all()

    def wait(self, stopped: threading.Event, seconds: float) -> bool:
        with self._moved:
            until = self._now + seconds
            self._sleepers += 1
            while not stopped.is_set() and self._now < until:
                # Setting the event does not notify this condition, so poll it.
                self._moved.wait(self.POLL_SECONDS)
            self._sleepers -= 1
        return stopped.is_set()
