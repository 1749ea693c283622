"""Somebody deletes or spoils what stands in the jobs bucket: no photograph is left behind by its job."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest
from bintally.domain.image import Status
from bintally.domain.jobs import Job, JobResult, JobStatus
from bintally.domain.policy import InferenceMode

from tests.fakes import CrashError, FakeLedger, World
from tests.unit.functions.examples import NOW, photographs, prediction
from tests.unit.functions.usecases.runs import POLICY, answered, collected, job_in, later, made_round, taken_in

IMAGES = photographs(3)
BATCH = replace(POLICY, mode=InferenceMode.BATCH, micro_batch=2)


def deleted(world: World, job: Job) -> None:
    for engine in world.engines:
        for key in job.manifests:
            engine.manifests.pop(key, None)


def emptied(world: World, job: Job) -> None:
    world.engine(job.engine).manifests[job.manifests[0]] = ""


def cut_off(world: World, job: Job) -> None:
    manifests = world.engine(job.engine).manifests
    manifests[job.manifests[0]] = manifests[job.manifests[0]][:250]


def scribbled(world: World, job: Job) -> None:
    world.engine(job.engine).manifests[job.manifests[0]] = 'no JSON\n[]\n{"image_id": ["a"]}\n{"image_id": "a"}\n'


SPOILT = pytest.mark.parametrize("spoil", [deleted, emptied, cut_off, scribbled])
Spoil = Callable[[World, Job], None]


@SPOILT
def test_without_its_manifest_the_output_is_collected(spoil: Spoil) -> None:
    world = World()
    job = job_in(world, IMAGES)
    result = answered(world, job, map(prediction, IMAGES))
    spoil(world, job)

    done = collected(world, result, POLICY, later(1))

    assert done.status_counts == {Status.COUNTED: 3}
    assert len(world.bins.items) == 3
    assert world.jobs.items[job.job_id].status is JobStatus.DONE


@SPOILT
def test_without_manifest_and_output_the_photographs_are_tried_again(spoil: Spoil) -> None:
    world = World()
    job = job_in(world, IMAGES)
    location = world.async_engine.location(job)
    spoil(world, job)

    collected(world, JobResult(job.job_id, location), POLICY, later(1))

    assert set(world.statuses().values()) == {Status.RECEIVED}
    (again,) = made_round(world, later(3)).submission.sent
    collected(world, answered(world, world.jobs.items[again].job, map(prediction, IMAGES)), POLICY, later(7))
    assert set(world.statuses().values()) == {Status.COUNTED}


@SPOILT
def test_a_silent_job_without_manifest_is_given_up_and_its_photographs_are_tried_again(spoil: Spoil) -> None:
    world = World()
    job = job_in(world, IMAGES)
    spoil(world, job)

    assert made_round(world, later(7 * 60 + 1)).swept.timed_out == (job.job_id,)

    assert set(world.statuses().values()) == {Status.RECEIVED}
    assert world.jobs.items[job.job_id].status is JobStatus.FAILED


def test_a_transform_job_without_one_of_its_manifests_is_collected_whole() -> None:
    world = World()
    taken_in(world, IMAGES, policy=BATCH)
    (job_id,) = made_round(world, NOW, BATCH).submission.sent
    job = world.jobs.items[job_id].job
    answered(world, job, map(prediction, IMAGES))
    del world.batch_engine.manifests[job.manifests[1]]

    collected(world, world.batch_engine.result(job), BATCH, later(5))

    assert set(world.statuses().values()) == {Status.COUNTED}
    assert world.jobs.items[job_id].status is JobStatus.DONE


def test_a_job_whose_manifest_went_before_it_was_opened_holds_nothing_back() -> None:
    world = World()
    world.steps.crash_before(5)  # the ledger names the job, which is still PREPARED
    with suppress(CrashError):
        taken_in(world, IMAGES)
    (held,) = world.jobs.items.values()
    deleted(world, held.job)

    assert made_round(world, later(4)).swept.failed == (held.job.job_id,)

    assert set(world.statuses().values()) == {Status.RECEIVED}


def test_an_output_cannot_answer_for_photographs_that_the_job_does_not_hold() -> None:
    world = World()
    other = photographs(4)[3]
    job_in(world, [other])
    job = job_in(world, IMAGES)
    answered(world, job, map(prediction, IMAGES))
    key = job.manifests[0]
    world.async_engine.outputs[key] = world.async_engine.outputs[key].replace(IMAGES[0].image_id, other.image_id)
    deleted(world, job)

    collected(world, world.async_engine.result(job), POLICY, later(1))

    assert world.ledger.items[other.image_id].status is Status.SUBMITTED
    assert world.ledger.items[IMAGES[0].image_id].status is Status.RECEIVED


@dataclass
class LaggingLedger(FakeLedger):
    """The index shows what was written some time ago."""

    lags: bool = True
    asked: int = 0

    def of_job(self, job_id: str) -> list[str]:
        self.asked += 1
        return [] if self.lags else super().of_job(job_id)


def test_an_index_that_lags_leaves_the_rest_to_the_sweep() -> None:
    world = World()
    world.ledger = ledger = LaggingLedger(world.steps)
    job = job_in(world, IMAGES)
    result = answered(world, job, map(prediction, IMAGES))
    deleted(world, job)

    assert collected(world, result, POLICY, later(1)).status_counts == {}
    assert world.jobs.items[job.job_id].status is JobStatus.SENT

    ledger.lags = False
    assert made_round(world, later(4)).swept.status_counts == {Status.COUNTED: 3}
    assert world.jobs.items[job.job_id].status is JobStatus.DONE


def test_photographs_that_are_entered_after_their_answer_are_not_left_behind() -> None:
    """The answer overtakes a slow function that still enters the job's photographs."""
    world = World()
    job = job_in(world, IMAGES)
    result = answered(world, job, map(prediction, IMAGES))
    late = world.ledger.items.pop(IMAGES[2].image_id)

    collected(world, result, POLICY, later(0.1))
    world.ledger.items[IMAGES[2].image_id] = late
    made_round(world, later(4))

    assert set(world.statuses().values()) == {Status.COUNTED}
    assert world.jobs.items[job.job_id].status is JobStatus.DONE


def test_the_usual_way_never_asks_the_index() -> None:
    world = World()
    world.ledger = ledger = LaggingLedger(world.steps)
    job = job_in(world, IMAGES)

    collected(world, answered(world, job, map(prediction, IMAGES)), POLICY, later(1))

    assert ledger.asked == 0
    assert world.jobs.items[job.job_id].status is JobStatus.DONE
