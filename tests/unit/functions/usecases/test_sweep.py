from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest
from bintally.domain.image import Image, Status
from bintally.domain.jobs import EngineName, Job, JobResult, JobStatus
from bintally.domain.policy import InferenceMode

from tests.fakes import CrashError, FakeEngine, Fakes
from tests.unit.functions.examples import NOW, make_images, prediction
from tests.unit.functions.usecases.runs import (
    POLICY,
    after_each_crash,
    answered,
    collected,
    first_job_of,
    ingested,
    ingested_job,
    later,
    scheduled,
    with_each_interruption,
)

IMAGES = make_images(3)
BATCH = replace(POLICY, mode=InferenceMode.BATCH, micro_batch=2)


def with_silent_job() -> Fakes:
    """The engine has finished, and its notification was lost."""
    fakes = Fakes()
    answered(fakes, ingested_job(fakes, IMAGES), map(prediction, IMAGES))
    return fakes


def with_pending_images() -> Fakes:
    fakes = Fakes()
    ingested(fakes, IMAGES, policy=BATCH, micro_batch=2)
    return fakes


def everything_counted(fakes: Fakes) -> bool:
    return set(fakes.statuses().values()) == {Status.COUNTED} and len(fakes.bins.items) == len(IMAGES)


def test_a_result_without_notification_is_found() -> None:
    fakes = with_silent_job()

    assert scheduled(fakes, later(2)).swept.answered == ()
    assert scheduled(fakes, later(4)).swept.answered == tuple(fakes.jobs.items)

    assert everything_counted(fakes)


def test_a_failure_without_notification_is_found() -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES)
    fakes.async_engine.failures[job.job_id] = "ModelError: no memory"

    scheduled(fakes, later(4))

    assert {held.reason for held in fakes.ledger.items.values()} == {"ModelError: no memory"}
    assert set(fakes.statuses().values()) == {Status.RECEIVED}


def test_an_expired_request_times_out_and_is_sent_again() -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES)

    assert scheduled(fakes, later(6 * 60)).swept.timed_out == ()
    assert scheduled(fakes, later(7 * 60 + 1)).swept.timed_out == (job.job_id,)
    (again,) = scheduled(fakes, later(7 * 60 + 3)).submission.sent

    assert again != job.job_id
    assert "7:00:00" in fakes.jobs.items[job.job_id].job.reason


def test_a_running_transform_job_never_times_out() -> None:
    fakes = with_pending_images()
    scheduled(fakes, NOW, BATCH)

    assert scheduled(fakes, later(100 * 60), BATCH).swept.timed_out == ()
    assert scheduled(fakes, later(100 * 60), BATCH).unaccounted == 0


def test_the_least_recently_polled_jobs_come_first() -> None:
    fakes = Fakes()
    ingested(fakes, make_images(60), micro_batch=1)
    jobs = [fakes.jobs.items[each].job for each in fakes.async_engine.asked]
    for job in jobs:
        (image,) = (held.image for held in fakes.ledger.items.values() if held.job_id == job.job_id)
        answered(fakes, job, [prediction(image)])

    found = [len(scheduled(fakes, later(minutes)).swept.answered) for minutes in (4, 5, 6)]

    assert found == [50, 10, 0]


def test_a_job_that_a_crash_left_unopened_is_opened() -> None:
    fakes = Fakes()
    fakes.steps.crash_before(6)  # the ledger names the job, which is still PREPARED
    with suppress(CrashError):
        ingested(fakes, IMAGES)
    (held,) = fakes.jobs.items.values()
    assert (held.status, len(fakes.ledger.items)) == (JobStatus.PREPARED, 3)

    done = scheduled(fakes, later(4))

    assert done.swept.opened == done.submission.sent == tuple(fakes.jobs.items)


def test_a_job_that_no_image_names_is_abandoned_and_may_be_prepared_again() -> None:
    fakes = Fakes()
    fakes.steps.crash_before(5)  # the job is PREPARED, the ledger knows nothing
    with suppress(CrashError):
        ingested(fakes, IMAGES)

    (abandoned,) = scheduled(fakes, later(4)).swept.abandoned

    assert ingested(fakes, IMAGES, now=later(7)).submission.sent == (abandoned,)


def test_a_job_that_cannot_be_polled_does_not_block_others() -> None:
    fakes = Fakes()
    ingested(fakes, IMAGES, micro_batch=1)
    jobs = [fakes.jobs.items[each].job for each in fakes.async_engine.asked]
    for job in jobs:
        (image,) = (held.image for held in fakes.ledger.items.values() if held.job_id == job.job_id)
        answered(fakes, job, [prediction(image)])
    fakes.async_engine.elsewhere = {jobs[0].job_id}

    swept = scheduled(fakes, later(4)).swept

    assert [job_id for job_id, _ in swept.errors] == [jobs[0].job_id]
    assert len(swept.answered) == 2


class RoundedError(ArithmeticError):
    """As `decimal` raises it: none of our own errors."""


@dataclass
class BreakingEngine(FakeEngine):
    """Can't bear one of its jobs."""

    unbearable: str = ""

    def _bear(self, job: Job) -> None:
        if job.job_id == self.unbearable:
            raise RoundedError("more than 38 digits")

    def poll(self, job: Job) -> JobResult | None:
        self._bear(job)
        return super().poll(job)

    def submit(self, job: Job) -> Mapping[str, str]:
        self._bear(job)
        return super().submit(job)

    def prepare(self, job: Job, shards: Sequence[Sequence[Image]]) -> None:
        self._bear(job)
        super().prepare(job, shards)


def three_of_each() -> tuple[Fakes, BreakingEngine]:
    """Three finished jobs without notifications, three OPEN jobs, and three pending images."""
    fakes = Fakes()
    fakes.async_engine = engine = BreakingEngine(fakes.steps)
    ingested(fakes, IMAGES, micro_batch=1)
    for job_id in engine.asked:
        (image,) = (held.image for held in fakes.ledger.items.values() if held.job_id == job_id)
        answered(fakes, fakes.jobs.items[job_id].job, [prediction(image)])
    engine.down = True
    ingested(fakes, make_images(6)[3:], micro_batch=1)
    engine.down = False
    ingested(fakes, make_images(9)[6:], policy=BATCH)
    return fakes, engine


def in_status(fakes: Fakes, status: JobStatus) -> str:
    return next(job_id for job_id, held in fakes.jobs.items.items() if held.status is status)


@pytest.mark.parametrize(
    ("unbearable", "answered", "sent"),
    [
        (lambda fakes: in_status(fakes, JobStatus.SENT), 2, 6),
        (lambda fakes: in_status(fakes, JobStatus.OPEN), 3, 5),
        (lambda fakes: first_job_of(make_images(7)[6:]).job_id, 3, 5),
    ],
    ids=["that is looked into", "that is sent", "that is formed"],
)
def test_no_error_of_a_job_stops_a_run(unbearable: Callable[[Fakes], str], answered: int, sent: int) -> None:
    fakes, engine = three_of_each()
    engine.unbearable = unbearable(fakes)

    done = scheduled(fakes, later(4), replace(POLICY, micro_batch=1))

    assert (len(done.swept.answered), len(done.submission.sent)) == (answered, sent)
    errors = dict(done.swept.errors) | dict(done.submission.waiting)
    assert list(errors) == [engine.unbearable]
    assert errors[engine.unbearable].startswith("RoundedError: more than 38 digits (test_sweep.py, line ")
    engine.unbearable = ""
    scheduled(fakes, later(8), replace(POLICY, micro_batch=1))
    assert set(fakes.statuses().values()) <= {Status.COUNTED, Status.SUBMITTED}
    assert len(engine.asked) == 9


def test_a_job_that_kills_the_function_is_not_first_in_the_next_run() -> None:
    fakes, _ = three_of_each()
    fakes.steps.crash_before(15)  # the OPEN jobs are sent, those that were SENT are known, the first is touched
    with suppress(CrashError):
        scheduled(fakes, later(4))

    swept = scheduled(fakes, later(4.1)).swept

    assert len(swept.answered) == 2


def test_a_transform_job_that_can_never_be_polled_is_unaccounted() -> None:
    fakes = with_pending_images()
    (job_id,) = scheduled(fakes, NOW, BATCH).submission.sent
    fakes.batch_engine.elsewhere = {job_id}

    assert scheduled(fakes, later(60 * 8), BATCH).unaccounted == 3


# ---- Pending photos


def test_in_batch_mode_images_wait_for_the_schedule() -> None:
    fakes = with_pending_images()
    assert set(fakes.statuses().values()) == {Status.RECEIVED}
    assert fakes.jobs.items == {}

    (job_id,) = scheduled(fakes, NOW, BATCH).submission.sent

    job = fakes.jobs.items[job_id].job
    assert (job.engine, job.images, job.shards) == (EngineName.BATCH, 3, 2)
    collected(fakes, answered(fakes, job, map(prediction, IMAGES)), BATCH)
    assert everything_counted(fakes)


def test_auto_sends_few_at_once_and_leaves_many_to_a_transform_job() -> None:
    auto = replace(POLICY, mode=InferenceMode.AUTO, batch_threshold=10)
    few, many = Fakes(), Fakes()
    ingested(few, IMAGES, policy=auto, micro_batch=4)
    ingested(many, make_images(12), policy=auto, micro_batch=4)

    assert set(few.statuses().values()) == {Status.SUBMITTED}
    assert set(many.statuses().values()) == {Status.RECEIVED}
    (job_id,) = scheduled(many, NOW, replace(auto, micro_batch=4)).submission.sent
    assert many.jobs.items[job_id].job.engine is EngineName.BATCH


def test_a_failed_transform_job_keeps_its_counted_manifests() -> None:
    fakes = with_pending_images()
    (job_id,) = scheduled(fakes, NOW, BATCH).submission.sent
    job = fakes.jobs.items[job_id].job
    answered(fakes, job, map(prediction, IMAGES))
    del fakes.batch_engine.outputs[job.manifests[1]]

    collected(fakes, fakes.batch_engine.result(job, "ClientError: a file failed"), BATCH)

    statuses = list(fakes.statuses().values())
    assert (statuses.count(Status.COUNTED), statuses.count(Status.RECEIVED)) == (2, 1)
    (again,) = scheduled(fakes, later(2), BATCH).submission.sent
    assert fakes.jobs.items[again].job.images == 1


def test_a_transform_job_without_capacity_is_retried_on_the_next_type() -> None:
    fakes = with_pending_images()
    (job_id,) = scheduled(fakes, NOW, BATCH).submission.sent
    reason = "CapacityError: Unable to provision requested ML compute capacity."
    for number in range(1, 6):
        job = fakes.jobs.items[job_id].job
        stale = fakes.batch_engine.result(job, reason)
        collected(fakes, stale, BATCH, later(60 * number))
        collected(fakes, stale, BATCH, later(60 * number))  # several events for one change
        assert fakes.jobs.items[job_id].job.transform_attempt == number
        assert scheduled(fakes, later(60 * number + 59), BATCH).submission.sent == (job_id,)
    assert set(fakes.statuses().values()) == {Status.SUBMITTED}

    collected(fakes, fakes.batch_engine.result(fakes.jobs.items[job_id].job, reason), BATCH, later(400))

    assert fakes.jobs.items[job_id].status is JobStatus.FAILED
    assert set(fakes.statuses().values()) == {Status.RECEIVED}


def test_the_last_attempt_submits_each_image_alone() -> None:
    fakes = Fakes()
    job_ids: tuple[str, ...] = (ingested_job(fakes, make_images(30)).job_id,)
    sizes = []
    for attempt in range(3):
        sizes.append(sorted(fakes.jobs.items[job_id].job.images for job_id in job_ids))
        for job_id in job_ids:
            job = fakes.jobs.items[job_id].job
            collected(fakes, fakes.async_engine.result(job, "died"), POLICY, later(60 * attempt))
        job_ids = scheduled(fakes, later(60 * attempt + 59)).submission.sent

    assert sizes == [[30], [8, 22], [1] * 30]
    assert set(fakes.statuses().values()) == {Status.FAILED}


# ---- Crashes and runs beside one another


def test_later_runs_complete_a_crashed_one() -> None:
    for prepare in (with_silent_job, with_pending_images):
        for fakes in after_each_crash(prepare, lambda fakes: scheduled(fakes, later(5 + fakes.steps.count), BATCH)):
            for hours in range(1, 4):
                scheduled(fakes, later(60 * hours), BATCH)
                for engine in fakes.engines:
                    for job in [fakes.jobs.items[job_id].job for job_id in engine.asked]:
                        collected(fakes, answered(fakes, job, map(prediction, IMAGES)), BATCH)
            assert everything_counted(fakes), fakes.statuses()
            assert {count.revision for count in fakes.bins.items.values()} == {1}


def test_two_concurrent_runs_assign_each_image_once() -> None:
    for fakes in with_each_interruption(
        with_pending_images, lambda fakes: scheduled(fakes, NOW, BATCH), lambda fakes: scheduled(fakes, NOW, BATCH)
    ):
        scheduled(fakes, later(10), BATCH)
        assert len(fakes.batch_engine.asked) == 1
        assert {held.attempts for held in fakes.ledger.items.values()} == {1}


def test_a_repeated_delivery_leaves_a_transform_job_to_the_schedule() -> None:
    fakes = with_pending_images()
    fakes.batch_engine.down = True
    scheduled(fakes, NOW, BATCH)
    fakes.batch_engine.down = False

    assert ingested(fakes, IMAGES, later(4), policy=BATCH).submission.sent == ()

    assert (
        scheduled(fakes, later(4), BATCH).submission.sent == tuple(fakes.batch_engine.asked) == tuple(fakes.jobs.items)
    )


def test_a_result_of_an_earlier_attempt_is_accepted() -> None:
    fakes = with_pending_images()
    (job_id,) = scheduled(fakes, NOW, BATCH).submission.sent
    first = fakes.jobs.items[job_id].job
    collected(fakes, fakes.batch_engine.result(first, "CapacityError: None left."), BATCH)
    answered(fakes, first, map(prediction, IMAGES))

    collected(fakes, fakes.batch_engine.result(first), BATCH, later(1))

    assert everything_counted(fakes)
    assert fakes.jobs.items[job_id].status is JobStatus.DONE


@pytest.mark.parametrize("elsewhere", [False, True])
def test_jobs_without_a_result_are_polled_last_the_next_time(elsewhere: bool) -> None:
    """Whether they are running or can't be polled."""
    fakes = Fakes()
    ingested(fakes, make_images(60), micro_batch=1)
    fakes.async_engine.elsewhere = set(fakes.async_engine.asked) if elsewhere else set()
    assert scheduled(fakes, later(4)).swept.answered == ()

    fakes.async_engine.elsewhere = set()
    for held in list(fakes.jobs.items.values()):
        (image,) = (entry.image for entry in fakes.ledger.items.values() if entry.job_id == held.job.job_id)
        answered(fakes, held.job, [prediction(image)])

    assert [len(scheduled(fakes, later(minutes)).swept.answered) for minutes in (5, 8)] == [10, 50]


def test_a_job_whose_images_are_in_other_jobs_is_not_sent() -> None:
    one_each = replace(POLICY, micro_batch=1)

    for fakes in with_each_interruption(
        with_pending_images, lambda fakes: scheduled(fakes, NOW), lambda fakes: scheduled(fakes, NOW, one_each)
    ):
        assert set(fakes.async_engine.asked) == {held.job_id for held in fakes.ledger.items.values()}
