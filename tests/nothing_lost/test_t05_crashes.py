"""T5: a crash at every boundary between two steps of every function, and two of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from random import Random

import pytest
from bintally.domain.policy import InferenceMode

from tests.fakes import CrashError
from tests.nothing_lost.faults import FaultRates
from tests.nothing_lost.healing import deliver, found_wrong, heal, moment
from tests.nothing_lost.platform import Platform

IMAGES = 100
MAX_STEPS = 400


def delivered(platform: Platform) -> None:
    """A hundred photos announced."""
    for number in range(IMAGES):
        platform.put(f"bin-{number}/photo.jpg")


def announced(platform: Platform) -> None:
    """Their results announced."""
    delivered(platform)
    platform.deliver_intake(IMAGES)
    platform.round()
    platform.now += timedelta(minutes=5)
    platform.answer()


def silent(platform: Platform) -> None:
    """Their results are there, without notifications."""
    announced(platform)
    platform.results.waiting.clear()
    platform.now += timedelta(minutes=5)


def unanswered(platform: Platform) -> None:
    """Half of the images failed and are pending again."""
    platform.inject(FaultRates(failed=0.5, cut=0.5))
    announced(platform)
    deliver(platform)
    platform.inject(FaultRates())
    platform.now += timedelta(minutes=5)


def collecting(platform: Platform) -> None:
    while platform.deliver_results():
        pass


CASES: dict[str, tuple[Callable[[Platform], None], Callable[[Platform], object]]] = {
    "intake": (delivered, lambda platform: platform.deliver_intake(IMAGES)),
    "collect": (announced, collecting),
    "sweep": (silent, Platform.round),
    "retry": (unanswered, Platform.round),
}


@pytest.mark.parametrize("mode", InferenceMode)
@pytest.mark.parametrize("case", CASES)
def test_nothing_is_lost_by_a_crash_at_any_boundary(case: str, mode: InferenceMode, chance: Random) -> None:
    prepare, run = CASES[case]
    for boundary in range(1, MAX_STEPS):
        platform = Platform(chance, mode, batch_size=10)
        prepare(platform)
        platform.injector.crash_before(boundary)
        crashed = _crashes(platform, run)
        heal(platform)
        assert found_wrong(platform) == [], f"after a crash before step {boundary}"
        if not crashed:
            assert boundary > 2, "hardly a step was taken: this proves nothing"
            return
    raise AssertionError("it takes more steps than expected")


def _crashes(platform: Platform, run: Callable[[Platform], object]) -> bool:
    """Run it; whether the crash happened. As on Lambda, a crash does not stop the platform."""
    before = platform.injector.pending
    with suppress(CrashError):
        run(platform)
    return platform.injector.pending < before


@pytest.mark.parametrize("mode", InferenceMode)
@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2])
def test_nothing_is_lost_by_crashes_at_any_rate(rate: float, mode: InferenceMode, chance: Random) -> None:
    """Also in the runs that complete what a crash interrupted."""
    platform = Platform(chance, mode, FaultRates(crashed=rate, lost=0.1, failed=0.1, cut=0.1), batch_size=10)
    for _ in range(10):
        for number in range(IMAGES):
            platform.put(f"bin-{number}/{chance.randint(0, 3)}.jpg")
        for _ in range(10):
            moment(platform, 5)
    assert platform.injector.crashes > 5
    heal(platform)

    assert found_wrong(platform) == []
