"""T5 and T15 together: between any two steps of a run another runs, and dies between any two of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

import pytest
from bintally.domain.image import Status
from bintally.domain.jobs import JobStatus
from bintally.domain.policy import InferenceMode

from tests.nothing_lost.faults import NO_FAULTS, FaultRates
from tests.nothing_lost.healing import deliver, found_wrong, heal
from tests.nothing_lost.platform import Platform

IMAGES = 6
MAX_STEPS = 60
Prepare = Callable[[Platform], None]


def pending(platform: Platform) -> None:
    """Photos that a job has released, and a later job whose result is not announced."""
    platform.inject(FaultRates(failed=1))
    _asked(platform, 0)
    platform.inject(FaultRates(lost=1))
    _asked(platform, 1)
    platform.inject(NO_FAULTS)


def _asked(platform: Platform, lot: int) -> None:
    for number in range(IMAGES // 2):
        platform.put(f"bin-{lot}-{number}/photo.jpg")
    platform.deliver_intake()
    platform.round()
    platform.now += timedelta(minutes=5)
    deliver(platform)


def prepared(platform: Platform) -> None:
    """Also a job that was prepared by a run that died before assigning its photos."""
    pending(platform)
    statuses = {held.status for held in platform.fakes.ledger.items.values()}
    assert Status.RECEIVED in statuses
    for step in range(1, MAX_STEPS):
        platform.injector.crash_before(step)
        platform.round()
        if JobStatus.PREPARED in {job.status for job in platform.fakes.jobs.all()}:
            break
    platform.now += timedelta(minutes=5)


def opened(platform: Platform) -> None:
    """Also the message of photos that were registered by a run that died before opening their job."""
    for number in range(IMAGES):
        platform.put(f"bin-{number}/photo.jpg")
    for step in range(1, MAX_STEPS):
        platform.injector.crash_before(step)
        platform.deliver_intake()
        for message in platform.intake.waiting:
            message.received = 0
        if platform.fakes.ledger.items:
            break
    platform.now += timedelta(minutes=5)


CASES: dict[str, tuple[Prepare, Callable[[Platform], object], Callable[[Platform], object]]] = {
    "two rounds": (pending, Platform.round, Platform.round),
    "two rounds over a job that was prepared": (prepared, Platform.round, Platform.round),
    "intake in a round": (opened, Platform.round, Platform.deliver_intake),
    "a round in intake": (opened, Platform.deliver_intake, Platform.round),
}


@pytest.mark.parametrize("mode", [InferenceMode.ASYNC, InferenceMode.BATCH, InferenceMode.LAMBDA])
@pytest.mark.parametrize("case", CASES)
def test_nothing_is_lost(case: str, mode: InferenceMode, chance: Random) -> None:
    prepare, run, other = CASES[case]
    crashes = 0
    for boundary in range(1, MAX_STEPS):
        for dies_at in range(1, MAX_STEPS):
            platform = Platform(chance, mode)
            prepare(platform)
            ran: list[bool] = []
            platform.injector.before(boundary, _dying(platform, other, dies_at, ran))
            run(platform)
            platform.injector.before(0, int)  # what has not arrived never does
            if not ran:
                assert crashes > 20, "hardly a step was taken: this proves nothing"
                return
            heal(platform)
            assert found_wrong(platform) == [], f"other before step {boundary}, died before step {dies_at}"
            if not ran[0]:
                break
            crashes += 1
    raise AssertionError("it takes more steps than expected")


def _dying(
    platform: Platform, run: Callable[[Platform], object], dies_at: int, ran: list[bool]
) -> Callable[[], object]:
    """A run that dies before that step; `ran` then has whether it did."""

    def die() -> None:
        platform.injector.crash_before(dies_at)
        run(platform)
        ran.append(not platform.injector.pending)
        platform.injector.before(0, int)

    return die
