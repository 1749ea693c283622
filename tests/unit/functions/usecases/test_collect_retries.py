"""collect: crashes, concurrent runs, and further attempts."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from bintally.domain.bins import BinStatus
from bintally.domain.image import Status
from bintally.domain.jobs import JobResult
from bintally.domain.times import iso

from tests.fakes import Fakes
from tests.unit.functions.examples import (
    NOW,
    prediction,
)
from tests.unit.functions.usecases.collecting import IMAGES, NEW, OLD, status_of, with_results
from tests.unit.functions.usecases.runs import (
    POLICY,
    after_each_crash,
    answered,
    collected,
    ingested_job,
    later,
    scheduled,
    with_each_interruption,
)

# ---- Crashes, and two at once


@pytest.mark.parametrize("batch_size", [100, 1])
def test_a_second_run_completes_what_a_crash_interrupted(batch_size: int) -> None:
    calm, result = with_results()
    collected(calm, result)

    for fakes in after_each_crash(lambda: with_results(batch_size)[0], lambda fakes: collected(fakes, result)):
        assert fakes.state() == calm.state()
        assert fakes.events.distinct() == calm.events.distinct()


def test_two_concurrent_notifications_complete_each_image_once() -> None:
    calm, result = with_results()
    collected(calm, result)

    def run(fakes: Fakes) -> None:
        collected(fakes, result)

    for fakes in with_each_interruption(lambda: with_results(batch_size=1)[0], run, run):
        assert fakes.state() == calm.state()
        assert fakes.events.distinct() == calm.events.distinct()


def test_an_older_version_collected_concurrently_does_not_win() -> None:
    results: list[JobResult] = []

    def both_answered() -> Fakes:
        fakes = Fakes(batch_size=1)
        results[:] = [
            answered(fakes, ingested_job(fakes, [image]), [prediction(image, count)])
            for image, count in ((OLD, 5), (NEW, 3))
        ]
        return fakes

    for first, second in itertools.permutations(range(2)):
        all_fakes = with_each_interruption(
            both_answered,
            lambda fakes, first=first: collected(fakes, results[first]),
            lambda fakes, second=second: collected(fakes, results[second]),
        )
        for fakes in all_fakes:
            assert fakes.bins.items["P-17-C"].image == NEW
            assert status_of(fakes, NEW) is Status.COUNTED
            assert status_of(fakes, OLD) in (Status.COUNTED, Status.SUPERSEDED)


# ---- Another attempt


def test_images_without_a_result_are_retried_and_the_others_kept() -> None:
    fakes, result = with_results()

    done = collected(fakes, result, POLICY)

    assert done.status_counts == {Status.COUNTED: 1, Status.RECEIVED: 1, Status.REJECTED: 1}
    assert [status_of(fakes, image) for image in IMAGES] == [Status.COUNTED, Status.REJECTED, Status.RECEIVED]
    assert fakes.ledger.items[IMAGES[2].image_id].due_at == iso(NOW + POLICY.retry_delay)
    assert IMAGES[2].bin_id not in fakes.bins.items
    assert len(fakes.events.published) == 2


def test_after_the_last_attempt_an_image_fails_with_the_last_reason() -> None:
    fakes = Fakes()
    job, now = ingested_job(fakes, IMAGES[:1]), NOW
    for attempt in range(1, 4):
        collected(fakes, JobResult(job.job_id, None, f"Failure {attempt}."), POLICY, now)
        now += timedelta(hours=1)
        sent = scheduled(fakes, now).submission.sent
        job = fakes.jobs.items[sent[0]].job if sent else job

    (held,) = fakes.ledger.items.values()
    assert (held.status, held.reason, held.attempts) == (Status.FAILED, "Failure 3.", 3)
    assert len(fakes.async_engine.asked) == len(set(fakes.async_engine.asked)) == 3
    assert fakes.bins.items[IMAGES[0].bin_id].status is BinStatus.UNREADABLE


def test_a_late_result_of_an_earlier_job_is_accepted() -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES)
    late = answered(fakes, job, map(prediction, IMAGES))
    collected(fakes, JobResult(job.job_id, None, "The container died."), POLICY)
    scheduled(fakes, later(60))
    assert set(fakes.statuses().values()) == {Status.SUBMITTED}

    collected(fakes, late, POLICY)

    assert set(fakes.statuses().values()) == {Status.COUNTED}
    (second,) = (held.job for held in fakes.jobs.items.values() if held.job.job_id != job.job_id)
    assert collected(fakes, JobResult(second.job_id, None, "Too late."), POLICY).status_counts == {}
    assert set(fakes.statuses().values()) == {Status.COUNTED}


def test_failed_images_can_be_retried() -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES)
    collected(fakes, JobResult(job.job_id, None, "No."))
    assert fakes.ledger.reopen(list(fakes.ledger.items), iso(NOW)) == set(fakes.ledger.items)

    (sent,) = scheduled(fakes, later(1)).submission.sent
    assert sent != job.job_id
    collected(fakes, answered(fakes, fakes.jobs.items[sent].job, map(prediction, IMAGES)), POLICY)

    assert set(fakes.statuses().values()) == {Status.COUNTED}
    assert {count.status for count in fakes.bins.items.values()} == {BinStatus.COUNTED}


def test_a_repeated_failure_of_an_earlier_job_is_ignored() -> None:
    fakes = Fakes()
    failure = JobResult(ingested_job(fakes, IMAGES).job_id, None, "The container died.")
    collected(fakes, failure, POLICY)
    scheduled(fakes, later(60))
    assert set(fakes.statuses().values()) == {Status.SUBMITTED}

    assert collected(fakes, failure).status_counts == {}

    assert fakes.bins.items == {}
    assert fakes.events.published == []


def test_a_failure_of_a_future_attempt_changes_nothing() -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES)
    before = fakes.state()

    assert (
        collected(
            fakes, JobResult(job.job_id, None, "AlgorithmError", transform_attempt=job.transform_attempt + 1)
        ).status_counts
        == {}
    )

    assert fakes.state() == before
