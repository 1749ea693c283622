from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from bintally.domain.jobs import JobStatus

from tests.fakes import CrashError, Fakes
from tests.unit.functions.examples import NOW, make_images, prediction
from tests.unit.functions.usecases.runs import (
    POLICY,
    after_each_crash,
    answered,
    collected,
    ingested,
    ingested_job,
    later,
    submitted,
    with_each_interruption,
)

IMAGES = make_images(3)


def with_waiting_job() -> Fakes:
    fakes = Fakes()
    fakes.async_engine.down = True
    ingested(fakes, IMAGES)
    fakes.async_engine.down = False
    return fakes


def test_a_job_waits_with_a_reason_while_the_engine_is_down() -> None:
    fakes = Fakes()
    fakes.async_engine.down = True

    submission = ingested(fakes, IMAGES).submission

    (job_id,) = fakes.jobs.items
    assert submission.sent == ()
    assert submission.waiting == ((job_id, f"{job_id}: no endpoint"),)
    assert fakes.jobs.items[job_id].status is JobStatus.OPEN


def test_the_schedule_sends_waiting_jobs() -> None:
    fakes = with_waiting_job()

    submission = submitted(fakes, later(5))

    assert submission.sent == tuple(fakes.jobs.items) == tuple(fakes.async_engine.asked)
    assert submission.waiting == ()
    assert submitted(fakes, later(10)).sent == ()


def test_waiting_jobs_wait_while_the_engine_is_down() -> None:
    fakes = with_waiting_job()
    fakes.async_engine.down = True

    for minutes in (5, 10, 15):
        assert len(submitted(fakes, later(minutes)).waiting) == 1

    fakes.async_engine.down = False
    assert len(submitted(fakes, later(20)).sent) == 1


def test_a_rejected_job_does_not_block_the_others() -> None:
    fakes = Fakes()
    fakes.async_engine.down = True
    ingested(fakes, IMAGES, micro_batch=1)
    fakes.async_engine.down = False
    refused, *others = fakes.jobs.items
    fakes.async_engine.refuses = {refused}

    submission = submitted(fakes, later(5))

    assert sorted(submission.sent) == sorted(others)
    assert [job_id for job_id, _ in submission.waiting] == [refused]


def test_a_claimed_job_is_not_sent_by_another_run() -> None:
    for fakes in with_each_interruption(
        with_waiting_job, lambda fakes: submitted(fakes, later(5)), lambda fakes: submitted(fakes, later(5))
    ):
        assert len(fakes.async_engine.asked) == 1


def test_a_claim_expires_after_its_lease() -> None:
    fakes = Fakes()
    fakes.steps.crash_before(9)  # the job is claimed and not sent
    with suppress(CrashError):
        ingested(fakes, IMAGES)

    assert submitted(fakes, NOW + POLICY.sweep_after - timedelta(seconds=1)).sent == ()
    assert len(submitted(fakes, NOW + POLICY.sweep_after + timedelta(seconds=1)).sent) == 1


def test_after_a_crash_at_any_call_the_job_is_sent_eventually() -> None:
    all_fakes = after_each_crash(with_waiting_job, lambda fakes: submitted(fakes, later(5 * (1 + fakes.steps.count))))

    for fakes in all_fakes:
        (held,) = fakes.jobs.items.values()
        assert held.status is JobStatus.SENT
        assert set(fakes.async_engine.asked) == {held.job.job_id}


def test_finished_jobs_are_not_sent_again() -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES)
    collected(fakes, answered(fakes, job, map(prediction, IMAGES)))

    assert submitted(fakes, later(60)).sent == ()
    assert fakes.async_engine.asked == [job.job_id]


def test_a_result_before_the_receipt_is_recorded_is_kept() -> None:
    """The engine may be quicker than the function that submitted the job."""
    fakes = Fakes()
    fakes.async_engine.down = True
    ingested(fakes, IMAGES)
    fakes.async_engine.down = False
    (held,) = fakes.jobs.items.values()

    def quick(fakes: Fakes) -> None:
        if fakes.async_engine.asked:
            collected(fakes, answered(fakes, held.job, map(prediction, IMAGES)))

    for each in with_each_interruption(with_waiting_job, lambda w: submitted(w, later(5)), quick):
        (after,) = each.jobs.items.values()
        assert after.status in (JobStatus.SENT, JobStatus.DONE)
        assert submitted(each, later(60)).sent == ()
