"""T11: an endpoint without instances, whose requests expire silently."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from bintally.domain.image import Status

from tests.nothing_lost.faults import NO_FAULTS, FaultRates
from tests.nothing_lost.healing import found_wrong, heal, moment
from tests.nothing_lost.platform import Platform
from tests.nothing_lost.policy import POLICY
from tests.template.deployed import stack

IMAGES = 100


def expired(chance: Random) -> Platform:
    platform = Platform(chance, rates=FaultRates(expired=1))
    for number in range(IMAGES):
        platform.put(f"bin-{number}/photo.jpg")
    return platform


def test_expired_requests_are_retried_and_finally_fail(chance: Random) -> None:
    platform = expired(chance)
    for _ in range(4 * 24):
        moment(platform, minutes=15)

    ledger = platform.fakes.ledger.items.values()
    assert {held.status for held in ledger} == {Status.FAILED}
    assert {held.attempts for held in ledger} == {POLICY.max_attempts}
    assert all("No result 7:00:00 after it was sent" in held.reason for held in ledger)
    assert sum(len(made.swept.timed_out) for made in platform.rounds) == len(platform.fakes.async_engine.asked)
    heal(platform)
    assert found_wrong(platform) == []


def test_expired_requests_are_counted_once_capacity_returns(chance: Random) -> None:
    platform = expired(chance)
    for _ in range(8):
        moment(platform, minutes=60)
    platform.inject(NO_FAULTS)
    heal(platform, retry=False)

    assert found_wrong(platform) == []
    assert {held.attempts for held in platform.fakes.ledger.items.values()} == {2}


def test_a_result_after_the_timeout_counts(chance: Random) -> None:
    platform = expired(chance)
    platform.inject(NO_FAULTS)
    for engine in platform.engines:
        engine.slowness = timedelta(hours=24)
    heal(platform, retry=False)

    assert found_wrong(platform) == []


def test_an_alarm_fires() -> None:
    alarms = stack().of_type("AWS::CloudWatch::Alarm").values()
    metrics = {alarm.get("MetricName") for alarm in alarms}

    assert metrics >= {"HasBacklogWithoutCapacity", "ImagesFailed", "OldestPendingSeconds"}


def test_an_alarm_fires_for_images_that_an_endpoint_rejects_for_a_day(chance: Random) -> None:
    """Their jobs are OPEN, so they are neither pending nor submitted."""
    platform = Platform(chance, rates=FaultRates(throttled=1))
    for number in range(IMAGES):
        platform.put(f"bin-{number}/photo.jpg")
    for _ in range(24):
        moment(platform, minutes=60)

    last = platform.rounds[-1]
    assert last.oldest_pending >= timedelta(hours=20) or last.unaccounted == IMAGES
    platform.inject(NO_FAULTS)
    heal(platform, retry=False)
    assert found_wrong(platform) == []
