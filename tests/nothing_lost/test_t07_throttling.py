"""T7: throttled tables, and an engine that rejects, fails, or accepts a request without a response."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from bintally.adapters.clients import CONFIG
from bintally.domain.image import TERMINAL
from bintally.domain.policy import InferenceMode

from tests.nothing_lost.faults import FaultRates
from tests.nothing_lost.healing import found_wrong, heal, moment
from tests.nothing_lost.platform import Platform
from tests.nothing_lost.policy import POLICY

IMAGES = 1000
MINUTES = 120
REQUESTS_OF_A_STEP = CONFIG.retries["total_max_attempts"]


def rates_of(kind: str, rate: float) -> FaultRates:
    """A step of a function fails only when all requests of its client have been refused."""
    return FaultRates(refused=rate**REQUESTS_OF_A_STEP) if kind == "refused" else FaultRates(**{kind: rate})


@pytest.mark.parametrize("mode", [InferenceMode.ASYNC, InferenceMode.BATCH, InferenceMode.LAMBDA])
@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("kind", ["refused", "throttled", "timeouts", "failed", "full"])
def test_nothing_is_lost_and_attempts_are_bounded(kind: str, rate: float, mode: InferenceMode, chance: Random) -> None:
    platform = Platform(chance, mode, rates_of(kind, rate), batch_size=25)
    for number in range(IMAGES):
        platform.put(f"bin-{number}/photo.jpg")

    for _ in range(MINUTES):
        moment(platform)

    ledger = platform.fakes.ledger.items.values()
    assert max(held.attempts for held in ledger) <= POLICY.max_attempts
    sent = MINUTES / (POLICY.sweep_after / timedelta(minutes=1))
    assert max(job.send_count for job in platform.fakes.jobs.all()) <= sent + 1
    if kind != "failed" and rate < 0.5:
        assert all(held.status in TERMINAL for held in ledger)  # without anybody's help
    heal(platform)
    assert found_wrong(platform) == []


def test_the_retry_delay_grows(chance: Random) -> None:
    platform = Platform(chance, rates=FaultRates(failed=1), policy=replace(POLICY, max_attempts=6))
    platform.put("bin/photo.jpg")
    waits = []
    for _ in range(120):
        moment(platform)
        (held,) = platform.fakes.ledger.items.values() or [None]
        if held and held.due_at and held.due_at not in waits:
            waits.append(held.due_at)

    assert len(waits) == 5
    assert held.attempts == 6


def test_a_table_that_refuses_everything_for_an_hour_loses_nothing(chance: Random) -> None:
    """Messages become dead letters meanwhile, and are redriven."""
    platform = Platform(chance, rates=FaultRates(refused=1))
    for number in range(IMAGES):
        platform.put(f"bin-{number}/photo.jpg")
    for _ in range(60):
        moment(platform)

    assert platform.fakes.ledger.items == {}
    assert len(platform.intake.dead) == IMAGES
    assert found_wrong(platform) == []  # dead letters are accounted for
    heal(platform)
    assert found_wrong(platform) == []
    assert len(platform.fakes.ledger.items) == IMAGES
