"""T4: a success and a failure for one request, in either order, at once, and again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from bintally.domain.image import Status
from bintally.domain.jobs import Job, JobStatus

from tests.nothing_lost.engines import note
from tests.nothing_lost.healing import found_wrong, heal
from tests.nothing_lost.interleaving import Interleaving
from tests.nothing_lost.platform import Platform

REQUESTS = 500
AT_ONCE = 100


def submitted(chance: Random, requests: int) -> tuple[Platform, list[Job]]:
    """A platform whose endpoint has accepted so many requests of two photos each, without notifications yet."""
    platform = Platform(chance)
    for number in range(requests):
        platform.put(f"bin-{number}/a.jpg")
        platform.put(f"bin-{number}/b.jpg")
        platform.deliver_intake(2)
    jobs = [job for _, job in platform.fakes.async_engine.waiting]
    assert len(jobs) == requests
    platform.now += timedelta(minutes=5)
    platform.answer()
    platform.results.waiting.clear()
    return platform, jobs


def announcements(platform: Platform, job: Job) -> list[str]:
    return [note(job, platform.fakes.async_engine.location(job)), note(job, "", "ClientError: it failed")]


@pytest.mark.parametrize("first", ["success", "failure"])
def test_the_success_wins_in_either_order(first: str, chance: Random) -> None:
    platform, jobs = submitted(chance, REQUESTS)
    for job in jobs:
        notifications = announcements(platform, job)
        for body in notifications if first == "success" else reversed(notifications):
            for _ in range(chance.randint(1, 3)):
                platform.results.send(body, platform.now)
                platform.deliver_results()

    assert {held.status for held in platform.fakes.ledger.items.values()} == {Status.COUNTED, Status.REJECTED}
    assert {job.status for job in platform.fakes.jobs.all()} == {JobStatus.DONE}
    heal(platform)
    assert found_wrong(platform) == []
    assert len(platform.fakes.async_engine.asked) == REQUESTS


def test_a_result_replaces_a_final_failure(chance: Random) -> None:
    platform, jobs = submitted(chance, AT_ONCE)
    use_up_attempts(platform)
    for job in jobs:
        success, failure = announcements(platform, job)
        platform.results.send(failure, platform.now)
        platform.deliver_results()
        assert Status.FAILED in {held.status for held in platform.fakes.ledger.items.values()}
        platform.results.send(success, platform.now)
        platform.deliver_results()

    heal(platform, retry=False)
    assert found_wrong(platform) == []


def use_up_attempts(platform: Platform) -> None:
    ledger = platform.fakes.ledger.items
    ledger.update({image_id: replace(held, attempts=3) for image_id, held in ledger.items()})


@pytest.mark.parametrize("last", [False, True], ids=["first attempt", "last attempt"])
def test_success_and_failure_at_once_give_one_result(last: bool, chance: Random) -> None:
    platform, jobs = submitted(chance, AT_ONCE)
    if last:
        use_up_attempts(platform)
    interleaving = Interleaving(chance, switches=0.5)
    for job in jobs:
        bodies = announcements(platform, job)
        platform.use(interleaving)
        raised = interleaving.run([lambda body=body: platform.collect(body) for body in bodies * 2])
        platform.use(platform.injector)
        assert raised == []

    heal(platform)
    assert found_wrong(platform) == []
    details = [detail for _, detail in platform.fakes.events.distinct().values()]
    answers = [detail["image_id"] for detail in details if detail["status"] != Status.FAILED]
    assert len(answers) == len(set(answers)) == 2 * AT_ONCE
