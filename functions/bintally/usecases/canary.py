"""The canary's run: an order and photos in, counts and verdicts out, and no trace left."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from bintally.domain.canary import faults_of_lines, faults_of_photos, is_settled, order_file
from bintally.domain.image import LedgerEntry
from bintally.domain.verdicts import Verdict
from bintally.usecases.ports import CanarySite

POLL_SECONDS = 1.0
T = TypeVar("T")


@dataclass(frozen=True)
class Clock:
    """Seconds, the time of day, and a way to let some of it pass."""

    seconds: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class CanaryReport:
    """How long each step took, in seconds, the verdict of each bin, and what went wrong.

    `left` traces stay because their photo or order file is still in progress. The next run removes them.
    """

    steps: Mapping[str, float]
    verdicts: Mapping[str, Verdict]
    faults: tuple[str, ...]
    left: int

    @property
    def passed(self) -> bool:
        return not self.faults

    @property
    def seconds(self) -> float:
        return sum(self.steps.values())


def run_canary(
    site: CanarySite, photos: Mapping[str, bytes], *, timeout: float, clock: Clock | None = None
) -> CanaryReport:
    """Import an order, upload `photos` (by key), wait for counts and verdicts, and remove all traces.

    Safe to repeat: it starts by removing what an earlier run left. Stops at the first step that does not end within
    `timeout` seconds of the start. Traces in progress are never removed: without its photo, a job would fail. Two runs
    at once disturb each other, and one of them says so.
    """
    run = _Run(site, clock or Clock(), timeout)
    run.step("cleared", lambda: site.remove(run.clock.now()))
    faults = run.orders() or run.photos(photos) or run.verdicts()
    verdicts = {line.bin_id: line.verdict for line in site.lines()}
    left = run.step("removed", lambda: site.remove(run.clock.now()))
    return CanaryReport(run.steps, verdicts, tuple(faults), left)


@dataclass
class _Run:
    site: CanarySite
    clock: Clock
    timeout: float
    steps: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._end = self.clock.seconds() + self.timeout

    def orders(self) -> list[str]:
        version = self.site.upload_orders(order_file())
        if self.wait("imported", lambda: self.site.is_imported(version)):
            return []
        return ["The order file was not imported. Read the log of the orders function."]

    def photos(self, photos: Mapping[str, bytes]) -> list[str]:
        ids = self.step("uploaded", lambda: {key: self.site.upload(key, data) for key, data in photos.items()})
        self.wait("counted", lambda: all(map(is_settled, self._entries(ids).values())))
        return faults_of_photos(self._entries(ids))

    def _entries(self, ids: Mapping[str, str]) -> dict[str, LedgerEntry | None]:
        held = self.site.entries(ids.values())
        return {key: held.get(image_id) for key, image_id in ids.items()}

    def verdicts(self) -> list[str]:
        self.wait("judged", lambda: not faults_of_lines(self.site.lines()))
        return faults_of_lines(self.site.lines())

    def wait(self, name: str, is_done: Callable[[], bool]) -> bool:
        """Time the step `name` until `is_done`; False if the run's time is over before."""

        def poll() -> bool:
            while not is_done():
                if self.clock.seconds() >= self._end:
                    return False
                self.clock.sleep(POLL_SECONDS)
            return True

        return self.step(name, poll)

    def step(self, name: str, act: Callable[[], T]) -> T:
        started = self.clock.seconds()
        result = act()
        self.steps[name] = round(self.clock.seconds() - started, 1)
        return result
