"""Objects in the jobs bucket are deleted or damaged: no image is lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest
from bintally.domain.image import Status
from bintally.domain.jobs import Job, JobResult, JobStatus
from bintally.domain.policy import InferenceMode

from tests.fakes import CrashError, FakeLedger, Fakes
from tests.unit.functions.examples import NOW, make_images, prediction
from tests.unit.functions.usecases.runs import POLICY, answered, collected, ingested, ingested_job, later, scheduled

IMAGES = make_images(3)
BATCH = replace(POLICY, mode=InferenceMode.BATCH, micro_batch=2)


def deleted(fakes: Fakes, job: Job) -> None:
    for engine in fakes.engines:
        for key in job.manifests:
            engine.manifests.pop(key, None)


def emptied(fakes: Fakes, job: Job) -> None:
    fakes.engine(job.engine).manifests[job.manifests[0]] = ""


def cut_off(fakes: Fakes, job: Job) -> None:
    manifests = fakes.engine(job.engine).manifests
    manifests[job.manifests[0]] = manifests[job.manifests[0]][:250]


def scribbled(fakes: Fakes, job: Job) -> None:
    fakes.engine(job.engine).manifests[job.manifests[0]] = 'no JSON\n[]\n{"image_id": ["a"]}\n{"image_id": "a"}\n'


SPOILT = pytest.mark.parametrize("spoil", [deleted, emptied, cut_off, scribbled])
Spoil = Callable[[Fakes, Job], None]


@SPOILT
def test_without_its_manifest_the_output_is_collected(spoil: Spoil) -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES)
    result = answered(fakes, job, map(prediction, IMAGES))
    spoil(fakes, job)

    done = collected(fakes, result, POLICY, later(1))

    assert done.status_counts == {Status.COUNTED: 3}
    assert len(fakes.bins.items) == 3
    assert fakes.jobs.items[job.job_id].status is JobStatus.DONE


@SPOILT
def test_without_manifest_and_output_the_images_are_retried(spoil: Spoil) -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES)
    location = fakes.async_engine.location(job)
    spoil(fakes, job)

    collected(fakes, JobResult(job.job_id, location), POLICY, later(1))

    assert set(fakes.statuses().values()) == {Status.RECEIVED}
    (again,) = scheduled(fakes, later(3)).submission.sent
    collected(fakes, answered(fakes, fakes.jobs.items[again].job, map(prediction, IMAGES)), POLICY, later(7))
    assert set(fakes.statuses().values()) == {Status.COUNTED}


@SPOILT
def test_a_job_without_manifest_and_result_times_out_and_its_images_are_retried(spoil: Spoil) -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES)
    spoil(fakes, job)

    assert scheduled(fakes, later(7 * 60 + 1)).swept.timed_out == (job.job_id,)

    assert set(fakes.statuses().values()) == {Status.RECEIVED}
    assert fakes.jobs.items[job.job_id].status is JobStatus.FAILED


def test_a_transform_job_without_one_of_its_manifests_is_collected_completely() -> None:
    fakes = Fakes()
    ingested(fakes, IMAGES, policy=BATCH)
    (job_id,) = scheduled(fakes, NOW, BATCH).submission.sent
    job = fakes.jobs.items[job_id].job
    answered(fakes, job, map(prediction, IMAGES))
    del fakes.batch_engine.manifests[job.manifests[1]]

    collected(fakes, fakes.batch_engine.result(job), BATCH, later(5))

    assert set(fakes.statuses().values()) == {Status.COUNTED}
    assert fakes.jobs.items[job_id].status is JobStatus.DONE


def test_a_manifest_deleted_before_its_job_was_opened_blocks_nothing() -> None:
    fakes = Fakes()
    fakes.steps.crash_before(6)  # the ledger names the job, which is still PREPARED
    with suppress(CrashError):
        ingested(fakes, IMAGES)
    (held,) = fakes.jobs.items.values()
    deleted(fakes, held.job)

    assert scheduled(fakes, later(4)).swept.failed == (held.job.job_id,)

    assert set(fakes.statuses().values()) == {Status.RECEIVED}


def test_an_output_has_no_results_for_images_of_other_jobs() -> None:
    fakes = Fakes()
    other = make_images(4)[3]
    ingested_job(fakes, [other])
    job = ingested_job(fakes, IMAGES)
    answered(fakes, job, map(prediction, IMAGES))
    key = job.manifests[0]
    fakes.async_engine.outputs[key] = fakes.async_engine.outputs[key].replace(IMAGES[0].image_id, other.image_id)
    deleted(fakes, job)

    collected(fakes, fakes.async_engine.result(job), POLICY, later(1))

    assert fakes.ledger.items[other.image_id].status is Status.SUBMITTED
    assert fakes.ledger.items[IMAGES[0].image_id].status is Status.RECEIVED


@dataclass
class LaggingLedger(FakeLedger):
    """The index shows what was written some time ago."""

    lags: bool = True
    asked: int = 0

    def of_job(self, job_id: str) -> list[str]:
        self.asked += 1
        return [] if self.lags else super().of_job(job_id)


def test_an_index_that_lags_leaves_the_rest_to_the_sweep() -> None:
    fakes = Fakes()
    fakes.ledger = ledger = LaggingLedger(fakes.steps)
    job = ingested_job(fakes, IMAGES)
    result = answered(fakes, job, map(prediction, IMAGES))
    deleted(fakes, job)

    assert collected(fakes, result, POLICY, later(1)).status_counts == {}
    assert fakes.jobs.items[job.job_id].status is JobStatus.SENT

    ledger.lags = False
    assert scheduled(fakes, later(4)).swept.status_counts == {Status.COUNTED: 3}
    assert fakes.jobs.items[job.job_id].status is JobStatus.DONE


def test_images_registered_after_their_result_are_not_lost() -> None:
    """The result overtakes a slow function that is still registering the job's images."""
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES)
    result = answered(fakes, job, map(prediction, IMAGES))
    late = fakes.ledger.items.pop(IMAGES[2].image_id)

    collected(fakes, result, POLICY, later(0.1))
    fakes.ledger.items[IMAGES[2].image_id] = late
    scheduled(fakes, later(4))

    assert set(fakes.statuses().values()) == {Status.COUNTED}
    assert fakes.jobs.items[job.job_id].status is JobStatus.DONE


def test_the_usual_path_never_queries_the_index() -> None:
    fakes = Fakes()
    fakes.ledger = ledger = LaggingLedger(fakes.steps)
    job = ingested_job(fakes, IMAGES)

    collected(fakes, answered(fakes, job, map(prediction, IMAGES)), POLICY, later(1))

    assert ledger.asked == 0
    assert fakes.jobs.items[job.job_id].status is JobStatus.DONE
