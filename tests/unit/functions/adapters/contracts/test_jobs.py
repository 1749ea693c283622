"""What the use cases may rely on: the jobs table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from bintally.domain.jobs import UNFINISHED, EngineName, InFlight, Job, JobStatus, job_of

from tests.unit.functions.adapters.contracts.ports import (
    BATCH,
    IMAGES,
    JOB,
    RECEIPT,
    stored_job,
)
from tests.unit.functions.examples import (
    LATER,
    NOON,
)


def opened(ports: Any, job: Job = JOB, at: str = NOON) -> None:
    """A job that the ledger names."""
    ports.jobs.create(job, at)
    ports.jobs.open(job, at)


def in_status(ports: Any, status: JobStatus, job: Job = JOB) -> None:
    """Bring a new job into a status."""
    ports.jobs.create(job, NOON)
    if status in (JobStatus.OPEN, JobStatus.SENT):
        ports.jobs.open(job, NOON)
    if status is JobStatus.SENT:
        ports.jobs.mark_sent(job, RECEIPT, NOON)
    if status is JobStatus.ABANDONED:
        ports.jobs.abandon(stored_job(ports, job), NOON)
    if status in (JobStatus.DONE, JobStatus.FAILED):
        ports.jobs.close(job.job_id, status, "Closed.", NOON)
    assert stored_job(ports, job).status is status


def found(ports: Any, until: str = LATER, most: int = 100) -> dict[JobStatus, list[str]]:
    """The ids of the jobs that the index finds, by status."""
    ids = {status: [job.job_id for job in ports.jobs.unfinished(status, until, most)] for status in JobStatus}
    return {status: jobs for status, jobs in ids.items() if jobs}


@pytest.mark.parametrize("status", JobStatus)
def test_unfinished_jobs_are_in_flight(ports: Any, status: JobStatus) -> None:
    in_status(ports, status)
    in_status(ports, JobStatus.OPEN, BATCH)

    expected = InFlight(1, int(status is JobStatus.SENT), len(IMAGES)) if status in UNFINISHED else InFlight()
    assert ports.jobs.in_flight(EngineName.ASYNC) == expected
    assert ports.jobs.in_flight(EngineName.BATCH) == InFlight(1, 0, len(IMAGES))


@pytest.mark.parametrize("job", [JOB, BATCH])
def test_a_job_that_is_opened_is_prepared(ports: Any, job: Job) -> None:
    ports.jobs.create(job, NOON)

    prepared = replace(job, status=JobStatus.PREPARED, prepare_count=1, created_at=NOON, touched_at=NOON)
    assert ports.jobs.read([job.job_id, job.job_id, "unknown"]) == {job.job_id: prepared}
    assert ports.jobs.unfinished(JobStatus.PREPARED, NOON, 10) == [prepared]
    assert list(ports.jobs.all()) == [prepared]


@pytest.mark.parametrize("before", [JobStatus.PREPARED, JobStatus.ABANDONED])
def test_a_job_that_is_not_open_can_be_created_again(ports: Any, before: JobStatus) -> None:
    in_status(ports, before)

    ports.jobs.create(JOB, LATER)

    prepared = replace(JOB, status=JobStatus.PREPARED, prepare_count=2, created_at=LATER, touched_at=LATER)
    assert stored_job(ports) == prepared
    assert found(ports) == {JobStatus.PREPARED: [JOB.job_id]}
    assert len(list(ports.jobs.all())) == 1


def test_a_job_without_images_is_abandoned(ports: Any) -> None:
    ports.jobs.create(JOB, NOON)

    ports.jobs.abandon(stored_job(ports), LATER)

    held = stored_job(ports)
    assert (held.status, held.closed_at, held.reason) == (JobStatus.ABANDONED, LATER, "No image waits for it.")
    assert found(ports) == {}


@pytest.mark.parametrize("again", [NOON, LATER])
def test_a_job_that_was_prepared_again_since_is_not_abandoned(ports: Any, again: str) -> None:
    """Another function may be putting photos into it, also one that started in the same millisecond."""
    ports.jobs.create(JOB, NOON)
    seen = stored_job(ports)
    ports.jobs.create(JOB, again)

    ports.jobs.abandon(seen, LATER)

    assert stored_job(ports).status is JobStatus.PREPARED


def test_a_job_is_submitted_only_after_the_ledger_names_it(ports: Any) -> None:
    ports.jobs.create(JOB, NOON)
    assert not ports.jobs.claim(JOB, NOON, NOON)
    ports.jobs.mark_sent(JOB, RECEIPT, NOON)
    assert stored_job(ports).status is JobStatus.PREPARED

    ports.jobs.open(JOB, LATER)

    named = replace(JOB, status=JobStatus.OPEN, prepare_count=1, created_at=NOON, touched_at=LATER)
    assert stored_job(ports) == named
    assert ports.jobs.claim(JOB, LATER, LATER)


@pytest.mark.parametrize("status", [JobStatus.OPEN, JobStatus.SENT, JobStatus.DONE, JobStatus.FAILED])
def test_a_job_that_advanced_is_neither_created_nor_opened_again(ports: Any, status: JobStatus) -> None:
    in_status(ports, status)
    before = stored_job(ports)

    ports.jobs.create(JOB, LATER)
    ports.jobs.open(JOB, LATER)

    assert stored_job(ports) == before


def test_an_abandoned_job_can_be_opened(ports: Any) -> None:
    """The sweep ran before the ledger named it, and the function that opened it continues."""
    in_status(ports, JobStatus.ABANDONED)

    ports.jobs.open(JOB, LATER)

    named = replace(JOB, status=JobStatus.OPEN, prepare_count=1, created_at=NOON, touched_at=LATER)
    assert stored_job(ports) == named
    assert found(ports) == {JobStatus.OPEN: [JOB.job_id]}


def test_a_claim_is_exclusive_until_it_expires(ports: Any) -> None:
    opened(ports)

    assert ports.jobs.claim(JOB, "2026-05-04T12:00:00.000Z", "2026-05-04T12:02:00.000Z")
    assert not ports.jobs.claim(JOB, "2026-05-04T12:00:00.000Z", "2026-05-04T12:02:00.000Z")
    assert not ports.jobs.claim(JOB, "2026-05-04T12:02:00.000Z", "2026-05-04T12:04:00.000Z")
    assert ports.jobs.claim(JOB, "2026-05-04T12:02:00.001Z", "2026-05-04T12:04:00.000Z")
    assert stored_job(ports).send_count == 2


def test_a_sent_job_no_longer_waits(ports: Any) -> None:
    opened(ports)
    ports.jobs.claim(JOB, NOON, NOON)

    ports.jobs.mark_sent(JOB, RECEIPT, LATER)

    times = {"created_at": NOON, "submitted_at": LATER, "touched_at": LATER}
    sent = replace(JOB, status=JobStatus.SENT, prepare_count=1, send_count=1, **times, **RECEIPT)
    assert stored_job(ports) == sent
    assert found(ports) == {JobStatus.SENT: [JOB.job_id]}
    assert not ports.jobs.claim(JOB, LATER, LATER)
    ports.jobs.create(JOB, LATER)
    assert stored_job(ports) == sent


@pytest.mark.parametrize("first", [JobStatus.DONE, JobStatus.FAILED])
@pytest.mark.parametrize("before", sorted(UNFINISHED))
def test_the_first_result_closes_a_job(ports: Any, first: JobStatus, before: JobStatus) -> None:
    """A result may come before the submitting function has recorded the job, or before the ledger names it."""
    in_status(ports, before)
    seen = stored_job(ports)

    ports.jobs.close(JOB.job_id, first, "First.", NOON)
    ports.jobs.close(JOB.job_id, JobStatus.FAILED, "Late.", LATER)
    ports.jobs.abandon(seen, LATER)
    ports.jobs.open(JOB, LATER)
    ports.jobs.mark_sent(JOB, RECEIPT, LATER)
    ports.jobs.defer(replace(JOB, transform_attempt=1), LATER)
    ports.jobs.touch(JOB.job_id, LATER)

    closed = stored_job(ports)
    assert (closed.status, closed.reason, closed.closed_at, closed.transform_attempt) == (first, "First.", NOON, 0)
    assert found(ports) == {}
    assert not ports.jobs.claim(JOB, LATER, LATER)


def test_a_result_after_a_failure_closes_the_job_as_done(ports: Any) -> None:
    in_status(ports, JobStatus.FAILED)

    ports.jobs.close(JOB.job_id, JobStatus.DONE, "", LATER)

    closed = stored_job(ports)
    assert (closed.status, closed.reason, closed.closed_at) == (JobStatus.DONE, "", LATER)


@pytest.mark.parametrize("status", sorted(set(JobStatus) - {JobStatus.PREPARED}))
def test_only_a_prepared_job_is_abandoned(ports: Any, status: JobStatus) -> None:
    in_status(ports, status)
    before = stored_job(ports)

    ports.jobs.abandon(before, LATER)

    assert stored_job(ports) == before


def test_an_unknown_job_is_not_created_by_a_change(ports: Any) -> None:
    ports.jobs.close(JOB.job_id, JobStatus.DONE, "", NOON)
    ports.jobs.open(JOB, NOON)
    ports.jobs.touch(JOB.job_id, NOON)
    ports.jobs.mark_sent(JOB, RECEIPT, NOON)
    ports.jobs.defer(replace(JOB, transform_attempt=1), NOON)
    ports.jobs.abandon(replace(JOB, touched_at=NOON), NOON)
    assert not ports.jobs.claim(JOB, NOON, NOON)

    assert ports.jobs.read([JOB.job_id]) == {}
    assert list(ports.jobs.all()) == []


@pytest.mark.parametrize("status", [JobStatus.OPEN, JobStatus.SENT])
def test_a_job_without_capacity_waits_and_may_be_claimed_at_once(ports: Any, status: JobStatus) -> None:
    """The caller checks when it is due."""
    opened(ports, BATCH)
    ports.jobs.claim(BATCH, NOON, LATER)
    if status is JobStatus.SENT:
        ports.jobs.mark_sent(BATCH, {"output_location": "s3://jobs/out"}, NOON)

    ports.jobs.defer(replace(BATCH, transform_attempt=1, due_at=LATER, reason="CapacityError"), NOON)

    held = stored_job(ports, BATCH)
    assert (held.status, held.transform_attempt, held.due_at, held.reason) == (
        JobStatus.OPEN,
        1,
        LATER,
        "CapacityError",
    )
    assert found(ports) == {JobStatus.OPEN: [BATCH.job_id]}
    assert ports.jobs.claim(BATCH, NOON, LATER)


def test_a_job_without_capacity_is_found_only_once_it_is_due(ports: Any) -> None:
    opened(ports, BATCH)

    ports.jobs.defer(replace(BATCH, transform_attempt=1, due_at=LATER, reason="CapacityError"), NOON)

    assert found(ports, "2026-05-04T15:59:59.999Z") == {}
    assert found(ports, LATER) == {JobStatus.OPEN: [BATCH.job_id]}


def test_each_attempt_is_deferred_once(ports: Any) -> None:
    """The same notification may come many times, even after the next attempt was sent."""
    opened(ports, BATCH)
    later = [
        replace(
            BATCH, transform_attempt=transform_attempt, due_at=f"{transform_attempt}", reason=f"{transform_attempt}"
        )
        for transform_attempt in (1, 2)
    ]
    ports.jobs.defer(later[0], NOON)
    ports.jobs.defer(replace(later[0], due_at="x"), LATER)
    assert stored_job(ports, BATCH).due_at == "1"

    ports.jobs.mark_sent(later[0], {"output_location": "s3://jobs/out"}, NOON)
    ports.jobs.defer(later[0], LATER)
    assert stored_job(ports, BATCH).status is JobStatus.SENT

    ports.jobs.defer(later[1], LATER)
    assert (stored_job(ports, BATCH).status, stored_job(ports, BATCH).transform_attempt) == (JobStatus.OPEN, 2)


def test_an_attempt_rejected_before_it_was_recorded_is_not_mistaken_for_the_next(ports: Any) -> None:
    """Otherwise the job would be SENT under the name of a transform job that was never created."""
    opened(ports, BATCH)
    ports.jobs.claim(BATCH, NOON, LATER)
    ports.jobs.defer(replace(BATCH, transform_attempt=1, due_at=LATER, reason="CapacityError"), NOON)

    ports.jobs.mark_sent(BATCH, {"output_location": "s3://jobs/out"}, NOON)

    assert stored_job(ports, BATCH).status is JobStatus.OPEN


def test_unfinished_jobs_are_found_by_status_oldest_first(ports: Any) -> None:
    jobs = [job_of([(str(number), 0)], EngineName.BATCH if number % 2 else EngineName.ASYNC) for number in range(6)]
    for number, job in enumerate(jobs):
        opened(ports, job, str(number))
    ports.jobs.mark_sent(jobs[0], RECEIPT, "0")
    ports.jobs.close(jobs[2].job_id, JobStatus.DONE, "", "2")
    ports.jobs.touch(jobs[1].job_id, "9")

    def ids(*numbers: int) -> list[str]:
        return [jobs[number].job_id for number in numbers]

    assert found(ports, "9") == {JobStatus.SENT: ids(0), JobStatus.OPEN: ids(3, 4, 5, 1)}
    assert found(ports, "4") == {JobStatus.SENT: ids(0), JobStatus.OPEN: ids(3, 4)}
    assert found(ports, "9", 2) == {JobStatus.SENT: ids(0), JobStatus.OPEN: ids(3, 4)}
    assert {job.job_id for job in ports.jobs.all()} == set(ids(*range(6)))


@pytest.mark.parametrize("step", ["open", "ready", "sent", "defer", "touch"])
def test_every_change_of_a_job_postpones_its_next_poll(ports: Any, step: str) -> None:
    in_status(ports, {"open": JobStatus.ABANDONED, "ready": JobStatus.PREPARED}.get(step, JobStatus.OPEN))
    doing = {
        "open": lambda: ports.jobs.create(JOB, LATER),
        "ready": lambda: ports.jobs.open(JOB, LATER),
        "sent": lambda: ports.jobs.mark_sent(JOB, RECEIPT, LATER),
        "defer": lambda: ports.jobs.defer(replace(JOB, transform_attempt=1), LATER),
        "touch": lambda: ports.jobs.touch(JOB.job_id, LATER),
    }

    doing[step]()

    assert found(ports, "2026-05-04T15:59:59.999Z") == {}
    assert list(found(ports, LATER).values()) == [[JOB.job_id]]


def test_touching_changes_only_the_time(ports: Any) -> None:
    in_status(ports, JobStatus.SENT)
    before = stored_job(ports)

    ports.jobs.touch(JOB.job_id, LATER)

    assert stored_job(ports) == replace(before, touched_at=LATER)


def test_a_repeated_result_does_not_close_the_job_again(ports: Any) -> None:
    in_status(ports, JobStatus.DONE)
    before = stored_job(ports)

    ports.jobs.close(JOB.job_id, JobStatus.DONE, "Again.", LATER)

    assert stored_job(ports) == before


@pytest.mark.parametrize("answer", [JobStatus.DONE, JobStatus.FAILED])
def test_a_job_that_was_abandoned_is_not_closed(ports: Any, answer: JobStatus) -> None:
    """Nobody submitted it; it is prepared again if somebody does."""
    in_status(ports, JobStatus.ABANDONED)
    before = stored_job(ports)

    ports.jobs.close(JOB.job_id, answer, "Late.", LATER)

    assert stored_job(ports) == before


@pytest.mark.parametrize("status", sorted(set(JobStatus) - UNFINISHED))
def test_a_finished_job_is_not_touched(ports: Any, status: JobStatus) -> None:
    in_status(ports, status)
    before = stored_job(ports)

    ports.jobs.touch(JOB.job_id, LATER)

    assert stored_job(ports) == before


def test_no_attempt_is_skipped(ports: Any) -> None:
    opened(ports, BATCH)
    before = stored_job(ports, BATCH)

    ports.jobs.defer(replace(BATCH, transform_attempt=2, due_at=LATER, reason="CapacityError"), LATER)

    assert stored_job(ports, BATCH) == before
