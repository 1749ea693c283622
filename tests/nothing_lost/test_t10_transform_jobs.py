"""T10: transform jobs with bad files, outputs missing, cut or too many, that fail, stop, or find no capacity."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from random import Random

from bintally.domain.image import Status
from bintally.domain.jobs import Job
from bintally.domain.manifest import parse_manifest
from bintally.domain.policy import InferenceMode
from bintally.domain.transforms import name_of

from tests.nothing_lost.engines import NO_CAPACITY, SERVER_ERROR, SimulatedEngine, transform_event
from tests.nothing_lost.healing import found_wrong, heal, moment
from tests.nothing_lost.platform import Platform
from tests.nothing_lost.policy import POLICY

JOBS = 200
IMAGES = 100
SHARD = 10
Ending = Callable[[SimulatedEngine, Job], tuple[str, str]]


def bad_files(engine: SimulatedEngine, job: Job) -> tuple[str, str]:
    """Some photos can't be read; an error is a result."""
    return "Completed", ""


def missing(engine: SimulatedEngine, job: Job) -> tuple[str, str]:
    for key in engine.chance.sample(job.manifests, 4):
        del engine.outputs[key]
    return "Completed", ""


def extra(engine: SimulatedEngine, job: Job) -> tuple[str, str]:
    """An output that belongs to no manifest, and lines about photos of another."""
    engine.outputs[f"{job.folder}99999.jsonl"] = engine.outputs[job.manifests[0]]
    engine.outputs[job.manifests[0]] += '{"image_id": "0", "count": 1}\n' + engine.outputs[job.manifests[1]]
    return "Completed", ""


def cut(engine: SimulatedEngine, job: Job) -> tuple[str, str]:
    for key in job.manifests:
        engine.outputs[key] = engine.outputs[key][: engine.chance.randrange(len(engine.outputs[key]))]
    return "Completed", ""


def failed(engine: SimulatedEngine, job: Job) -> tuple[str, str]:
    missing(engine, job)
    return "Failed", SERVER_ERROR


def stopped(engine: SimulatedEngine, job: Job) -> tuple[str, str]:
    missing(engine, job)
    return "Stopped", ""


def without_capacity(engine: SimulatedEngine, job: Job) -> tuple[str, str]:
    for key in job.manifests:
        del engine.outputs[key]
    return "Failed", NO_CAPACITY


ENDINGS: list[Ending] = [bad_files, missing, extra, cut, failed, stopped, without_capacity]


def platform_of(chance: Random) -> Platform:
    return Platform(chance, InferenceMode.BATCH, policy=replace(POLICY, micro_batch=SHARD, max_transform_jobs=JOBS))


def one_job(platform: Platform, number: int) -> Job:
    """A transform job of a hundred photos, accepted by SageMaker."""
    for image in range(IMAGES):
        platform.put(f"bin-{number}-{image}/photo.jpg")
    platform.deliver_intake(IMAGES)
    platform.round()
    ((_, job),) = platform.fakes.batch_engine.waiting
    platform.fakes.batch_engine.waiting.clear()
    assert (job.images, job.shards) == (IMAGES, IMAGES // SHARD)
    return job


def end(platform: Platform, job: Job, ending: Ending) -> set[str]:
    """End the job in that way, with its event; the photos that have a result."""
    engine = platform.fakes.batch_engine
    assert isinstance(engine, SimulatedEngine)
    asked = {key: parse_manifest(engine.manifests[key]) for key in job.manifests}
    engine.answer(job, [platform.uploads.all[each].record for ids in asked.values() for each in ids])
    state, reason = ending(engine, job)
    engine.states[name_of(job)] = (state, reason)
    for _ in range(platform.chance.randint(1, 3)):
        platform.results.send(transform_event(job, state, engine.location(job), reason), platform.now)
        platform.deliver_results()
    return {each for key, ids in asked.items() for each in answered_in(engine.outputs.get(key, "")) if each in ids}


def answered_in(output: str) -> set[str]:
    """The ids of the images that have a complete line in a truncated output."""
    found = set()
    for line in output.splitlines():
        with suppress(json.JSONDecodeError):
            found.add(json.loads(line)["image_id"])
    return found


def test_only_images_without_a_result_are_retried(chance: Random) -> None:
    platform = platform_of(chance)
    answered: set[str] = set()
    capacity = 0
    for number in range(JOBS):
        ending = ENDINGS[number % len(ENDINGS)]
        job = one_job(platform, number)
        answered |= end(platform, job, ending)
        capacity += ending is without_capacity
    heal(platform, retry=False)

    assert found_wrong(platform) == []
    ledger = platform.fakes.ledger.items
    assert len(ledger) == JOBS * IMAGES
    assert {ledger[each].attempts for each in answered} == {1}
    of_capacity = {each for each, held in ledger.items() if held.attempts == 1} - answered
    assert len(of_capacity) == capacity * IMAGES  # the same job, requested again
    assert {held.attempts for held in ledger.values()} == {1, 2}
    assert {job.transform_attempt for job in platform.fakes.jobs.all()} == {0, 1}  # however often it was announced


def test_an_image_that_breaks_the_server_is_isolated_and_fails_alone(chance: Random) -> None:
    platform = platform_of(chance)
    engine = platform.fakes.batch_engine
    assert isinstance(engine, SimulatedEngine)
    for number in range(IMAGES):
        upload = platform.put(f"bin-{number}/photo.jpg")
        if number % 10 == 0:
            engine.killers.add(upload.image_id)
    for _ in range(100):
        moment(platform, minutes=15)

    ledger = platform.fakes.ledger.items
    assert {image_id for image_id, held in ledger.items() if held.status is Status.FAILED} == engine.killers
    assert max(held.attempts for held in ledger.values()) == POLICY.max_attempts
    assert all(SERVER_ERROR in ledger[each].reason for each in engine.killers)
    engine.killers.clear()
    heal(platform)  # retried by a person once the model can read them
    assert found_wrong(platform) == []


def test_without_capacity_each_type_is_tried_and_then_the_images_are_released(chance: Random) -> None:
    platform = platform_of(chance)
    engine = platform.fakes.batch_engine
    assert isinstance(engine, SimulatedEngine)
    one_job(platform, 0)
    engine.waiting = [(platform.now, job) for job in platform.fakes.jobs.all()]
    platform.inject(replace(platform.rates, full=1))
    for _ in range(7 * 24 * 2):
        moment(platform, minutes=30)

    names = list(engine.states)
    assert {name.rpartition("-")[2] for name in names} == {str(number) for number in range(6)}  # 3 of each of 2 types
    ledger = platform.fakes.ledger.items.values()
    assert {held.status for held in ledger} == {Status.FAILED}
    assert all("CapacityError" in held.reason for held in ledger)
    assert {held.attempts for held in ledger} == {POLICY.max_attempts}
    heal(platform)
    assert found_wrong(platform) == []
