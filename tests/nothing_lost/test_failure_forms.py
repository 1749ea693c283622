"""Every way in which an engine fails, with a notification or without one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

import pytest
from bintally.domain.image import Status
from bintally.domain.jobs import EngineName, Job, JobStatus
from bintally.domain.manifest import parse_manifest
from bintally.domain.policy import InferenceMode, timeout_of
from bintally.domain.transforms import name_of

from tests.nothing_lost.engines import SERVER_ERROR, SimulatedEngine, invocation_record, note, transform_event
from tests.nothing_lost.healing import deliver, found_wrong, heal
from tests.nothing_lost.platform import Platform
from tests.unit.functions.examples import refusal

IMAGES = 100
CODES = ["access_denied", "bad_manifest_line", "bucket_not_allowed", "fetch_failed", "internal", "not_found"]
Failure = Callable[[SimulatedEngine, Job], str]  # happens to the engine; what is announced of it


def error_note(engine: SimulatedEngine, job: Job) -> str:
    engine.failures[job.job_id] = SERVER_ERROR
    return note(job, "", SERVER_ERROR)


def dropped(engine: SimulatedEngine, job: Job) -> str:
    """Lambda gave up the event."""
    return invocation_record(job, "Task timed out after 900.00 seconds")


def empty_output(engine: SimulatedEngine, job: Job) -> str:
    engine.answer(job, [])
    return _ended(engine, job, "Completed")


def unreachable(engine: SimulatedEngine, job: Job) -> str:
    """The container could not get at the photos."""
    asked = [each for key in job.manifests for each in parse_manifest(engine.manifests[key])]
    images = [engine.uploads[each].image for each in asked]
    engine.answer(job, [refusal(image, CODES[number % len(CODES)]) for number, image in enumerate(images)])
    return _ended(engine, job, "Completed")


def failed(engine: SimulatedEngine, job: Job) -> str:
    return _ended(engine, job, "Failed")


def stopped(engine: SimulatedEngine, job: Job) -> str:
    return _ended(engine, job, "Stopped")


def _ended(engine: SimulatedEngine, job: Job, state: str) -> str:
    if engine.name is not EngineName.BATCH:
        return note(job, engine.location(job))
    engine.states[name_of(job)] = (state, "")
    return transform_event(job, state, engine.location(job))


FORMS: list[tuple[InferenceMode, Failure]] = [
    (InferenceMode.ASYNC, error_note),
    (InferenceMode.ASYNC, empty_output),
    (InferenceMode.ASYNC, unreachable),
    (InferenceMode.LAMBDA, dropped),
    (InferenceMode.LAMBDA, empty_output),
    (InferenceMode.BATCH, failed),
    (InferenceMode.BATCH, stopped),
    (InferenceMode.BATCH, empty_output),
    (InferenceMode.BATCH, unreachable),
]


def failing(mode: InferenceMode, failure: Failure, chance: Random) -> tuple[Platform, list[str]]:
    """A platform on which every job has failed in that way; the notifications."""
    platform = Platform(chance, mode)
    for number in range(IMAGES):
        platform.put(f"bin-{number}/photo.jpg")
    platform.deliver_intake(IMAGES)
    platform.round()
    notifications = []
    for engine in platform.engines:
        notifications += [failure(engine, job) for _, job in engine.waiting]
        engine.waiting.clear()
    assert {held.status for held in platform.fakes.ledger.items.values()} == {Status.SUBMITTED}
    return platform, notifications


def assert_given_back_and_counted(platform: Platform) -> None:
    ledger = platform.fakes.ledger.items
    assert {held.status for held in ledger.values()} == {Status.RECEIVED}
    assert all(held.reason and held.due_at > platform.time for held in ledger.values())
    heal(platform, retry=False)
    assert found_wrong(platform) == []
    assert {held.attempts for held in ledger.values()} == {2}


@pytest.mark.parametrize(("mode", "failure"), FORMS)
def test_an_announced_failure_releases_the_images_at_once(
    mode: InferenceMode, failure: Failure, chance: Random
) -> None:
    platform, notifications = failing(mode, failure, chance)
    for body in notifications * 2:
        platform.results.send(body, platform.now)
    deliver(platform)

    assert_given_back_and_counted(platform)


@pytest.mark.parametrize(("mode", "failure"), FORMS)
def test_an_unannounced_failure_is_found_by_the_next_sweep(
    mode: InferenceMode, failure: Failure, chance: Random
) -> None:
    platform, _ = failing(mode, failure, chance)
    is_kept = failure is not dropped  # Lambda announces what it gives up, and keeps no record
    patience = platform.policy.sweep_after if is_kept else timeout_of(platform.policy, EngineName.LAMBDA)
    platform.now += patience + timedelta(seconds=1)
    platform.round()

    assert_given_back_and_counted(platform)
    assert {job.status for job in platform.fakes.jobs.all()} <= {JobStatus.DONE, JobStatus.FAILED}
