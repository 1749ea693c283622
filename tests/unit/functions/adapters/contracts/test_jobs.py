"""What the use cases may rely on: the jobs table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from bintally.domain.jobs import UNFINISHED, EngineName, Job, JobStatus, job_of

from tests.unit.functions.adapters.contracts.world import (
    BATCH,
    JOB,
    RECEIPT,
    job_in,
)
from tests.unit.functions.examples import (
    LATER,
    NOON,
)


def opened(world: Any, job: Job = JOB, at: str = NOON) -> None:
    """A job that the ledger names."""
    world.jobs.create(job, at)
    world.jobs.open(job, at)


def in_status(world: Any, status: JobStatus, job: Job = JOB) -> None:
    """Bring a new job into a status."""
    world.jobs.create(job, NOON)
    if status in (JobStatus.OPEN, JobStatus.SENT):
        world.jobs.open(job, NOON)
    if status is JobStatus.SENT:
        world.jobs.mark_sent(job, RECEIPT, NOON)
    if status is JobStatus.ABANDONED:
        world.jobs.abandon(job_in(world, job), NOON)
    if status in (JobStatus.DONE, JobStatus.FAILED):
        world.jobs.close(job.job_id, status, "Closed.", NOON)
    assert job_in(world, job).status is status


def found(world: Any, until: str = LATER, most: int = 100) -> dict[JobStatus, list[str]]:
    """The ids of the jobs that the index finds, by status."""
    ids = {status: [job.job_id for job in world.jobs.unfinished(status, until, most)] for status in JobStatus}
    return {status: jobs for status, jobs in ids.items() if jobs}


@pytest.mark.parametrize("job", [JOB, BATCH])
def test_a_job_that_is_opened_is_prepared(world: Any, job: Job) -> None:
    world.jobs.create(job, NOON)

    prepared = replace(job, status=JobStatus.PREPARED, prepare_count=1, created_at=NOON, touched_at=NOON)
    assert world.jobs.read([job.job_id, job.job_id, "unknown"]) == {job.job_id: prepared}
    assert world.jobs.unfinished(JobStatus.PREPARED, NOON, 10) == [prepared]
    assert list(world.jobs.all()) == [prepared]


@pytest.mark.parametrize("before", [JobStatus.PREPARED, JobStatus.ABANDONED])
def test_a_job_that_is_not_open_is_opened_again_as_if_it_were_new(world: Any, before: JobStatus) -> None:
    in_status(world, before)

    world.jobs.create(JOB, LATER)

    prepared = replace(JOB, status=JobStatus.PREPARED, prepare_count=2, created_at=LATER, touched_at=LATER)
    assert job_in(world) == prepared
    assert found(world) == {JobStatus.PREPARED: [JOB.job_id]}
    assert len(list(world.jobs.all())) == 1


def test_a_job_that_nobody_waits_for_is_abandoned(world: Any) -> None:
    world.jobs.create(JOB, NOON)

    world.jobs.abandon(job_in(world), LATER)

    held = job_in(world)
    assert (held.status, held.closed_at, held.reason) == (JobStatus.ABANDONED, LATER, "No photograph waits for it.")
    assert found(world) == {}


@pytest.mark.parametrize("again", [NOON, LATER])
def test_a_job_that_was_prepared_again_since_is_not_abandoned(world: Any, again: str) -> None:
    """Another function may be putting photographs into it, also one that started in the same millisecond."""
    world.jobs.create(JOB, NOON)
    seen = job_in(world)
    world.jobs.create(JOB, again)

    world.jobs.abandon(seen, LATER)

    assert job_in(world).status is JobStatus.PREPARED


def test_a_job_is_sent_only_when_the_ledger_names_it(world: Any) -> None:
    world.jobs.create(JOB, NOON)
    assert not world.jobs.claim(JOB, NOON, NOON)
    world.jobs.mark_sent(JOB, RECEIPT, NOON)
    assert job_in(world).status is JobStatus.PREPARED

    world.jobs.open(JOB, LATER)

    named = replace(JOB, status=JobStatus.OPEN, prepare_count=1, created_at=NOON, touched_at=LATER)
    assert job_in(world) == named
    assert world.jobs.claim(JOB, LATER, LATER)


@pytest.mark.parametrize("status", [JobStatus.OPEN, JobStatus.SENT, JobStatus.DONE, JobStatus.FAILED])
def test_a_job_that_went_on_is_neither_opened_nor_made_ready_again(world: Any, status: JobStatus) -> None:
    in_status(world, status)
    before = job_in(world)

    world.jobs.create(JOB, LATER)
    world.jobs.open(JOB, LATER)

    assert job_in(world) == before


def test_a_job_that_was_abandoned_too_soon_is_made_ready(world: Any) -> None:
    """The sweep looked before the ledger named it, and the function that opened it goes on."""
    in_status(world, JobStatus.ABANDONED)

    world.jobs.open(JOB, LATER)

    named = replace(JOB, status=JobStatus.OPEN, prepare_count=1, created_at=NOON, touched_at=LATER)
    assert job_in(world) == named
    assert found(world) == {JobStatus.OPEN: [JOB.job_id]}


def test_a_claim_is_one_callers_until_it_ends(world: Any) -> None:
    opened(world)

    assert world.jobs.claim(JOB, "2026-05-04T12:00:00.000Z", "2026-05-04T12:02:00.000Z")
    assert not world.jobs.claim(JOB, "2026-05-04T12:00:00.000Z", "2026-05-04T12:02:00.000Z")
    assert not world.jobs.claim(JOB, "2026-05-04T12:02:00.000Z", "2026-05-04T12:04:00.000Z")
    assert world.jobs.claim(JOB, "2026-05-04T12:02:00.001Z", "2026-05-04T12:04:00.000Z")
    assert job_in(world).send_count == 2


def test_a_job_that_was_sent_waits_no_more(world: Any) -> None:
    opened(world)
    world.jobs.claim(JOB, NOON, NOON)

    world.jobs.mark_sent(JOB, RECEIPT, LATER)

    times = {"created_at": NOON, "submitted_at": LATER, "touched_at": LATER}
    sent = replace(JOB, status=JobStatus.SENT, prepare_count=1, send_count=1, **times, **RECEIPT)
    assert job_in(world) == sent
    assert found(world) == {JobStatus.SENT: [JOB.job_id]}
    assert not world.jobs.claim(JOB, LATER, LATER)
    world.jobs.create(JOB, LATER)
    assert job_in(world) == sent


@pytest.mark.parametrize("first", [JobStatus.DONE, JobStatus.FAILED])
@pytest.mark.parametrize("before", sorted(UNFINISHED))
def test_the_first_answer_closes_a_job_for_good(world: Any, first: JobStatus, before: JobStatus) -> None:
    """An answer may come before the function that asked has noted that it asked, or that the ledger names the job."""
    in_status(world, before)
    seen = job_in(world)

    world.jobs.close(JOB.job_id, first, "First.", NOON)
    world.jobs.close(JOB.job_id, JobStatus.FAILED, "Late.", LATER)
    world.jobs.abandon(seen, LATER)
    world.jobs.open(JOB, LATER)
    world.jobs.mark_sent(JOB, RECEIPT, LATER)
    world.jobs.defer(replace(JOB, transform_attempt=1), LATER)
    world.jobs.touch(JOB.job_id, LATER)

    closed = job_in(world)
    assert (closed.status, closed.reason, closed.closed_at, closed.transform_attempt) == (first, "First.", NOON, 0)
    assert found(world) == {}
    assert not world.jobs.claim(JOB, LATER, LATER)


def test_an_answer_that_comes_after_a_failure_closes_the_job_as_done(world: Any) -> None:
    in_status(world, JobStatus.FAILED)

    world.jobs.close(JOB.job_id, JobStatus.DONE, "", LATER)

    closed = job_in(world)
    assert (closed.status, closed.reason, closed.closed_at) == (JobStatus.DONE, "", LATER)


@pytest.mark.parametrize("status", sorted(set(JobStatus) - {JobStatus.PREPARED}))
def test_only_a_job_that_is_prepared_is_abandoned(world: Any, status: JobStatus) -> None:
    in_status(world, status)
    before = job_in(world)

    world.jobs.abandon(before, LATER)

    assert job_in(world) == before


def test_what_is_unknown_is_not_changed_into_a_job(world: Any) -> None:
    world.jobs.close(JOB.job_id, JobStatus.DONE, "", NOON)
    world.jobs.open(JOB, NOON)
    world.jobs.touch(JOB.job_id, NOON)
    world.jobs.mark_sent(JOB, RECEIPT, NOON)
    world.jobs.defer(replace(JOB, transform_attempt=1), NOON)
    world.jobs.abandon(replace(JOB, touched_at=NOON), NOON)
    assert not world.jobs.claim(JOB, NOON, NOON)

    assert world.jobs.read([JOB.job_id]) == {}
    assert list(world.jobs.all()) == []


@pytest.mark.parametrize("status", [JobStatus.OPEN, JobStatus.SENT])
def test_a_job_without_capacity_waits_again_and_may_be_claimed_at_once(world: Any, status: JobStatus) -> None:
    """When it is due is for the caller to look at."""
    opened(world, BATCH)
    world.jobs.claim(BATCH, NOON, LATER)
    if status is JobStatus.SENT:
        world.jobs.mark_sent(BATCH, {"output_location": "s3://jobs/out"}, NOON)

    world.jobs.defer(replace(BATCH, transform_attempt=1, due_at=LATER, reason="CapacityError"), NOON)

    held = job_in(world, BATCH)
    assert (held.status, held.transform_attempt, held.due_at, held.reason) == (
        JobStatus.OPEN,
        1,
        LATER,
        "CapacityError",
    )
    assert found(world) == {JobStatus.OPEN: [BATCH.job_id]}
    assert world.jobs.claim(BATCH, NOON, LATER)


def test_a_job_without_capacity_is_found_when_it_is_due_and_stands_in_nobodys_way_before(world: Any) -> None:
    opened(world, BATCH)

    world.jobs.defer(replace(BATCH, transform_attempt=1, due_at=LATER, reason="CapacityError"), NOON)

    assert found(world, "2026-05-04T15:59:59.999Z") == {}
    assert found(world, LATER) == {JobStatus.OPEN: [BATCH.job_id]}


def test_each_try_is_deferred_once(world: Any) -> None:
    """The same announcement may come many times, also after the next try was sent."""
    opened(world, BATCH)
    later = [
        replace(
            BATCH, transform_attempt=transform_attempt, due_at=f"{transform_attempt}", reason=f"{transform_attempt}"
        )
        for transform_attempt in (1, 2)
    ]
    world.jobs.defer(later[0], NOON)
    world.jobs.defer(replace(later[0], due_at="x"), LATER)
    assert job_in(world, BATCH).due_at == "1"

    world.jobs.mark_sent(later[0], {"output_location": "s3://jobs/out"}, NOON)
    world.jobs.defer(later[0], LATER)
    assert job_in(world, BATCH).status is JobStatus.SENT

    world.jobs.defer(later[1], LATER)
    assert (job_in(world, BATCH).status, job_in(world, BATCH).transform_attempt) == (JobStatus.OPEN, 2)


def test_a_try_that_was_refused_before_its_sender_noted_it_is_not_taken_for_the_next(world: Any) -> None:
    """Else the job would be SENT under the name of a transform job that nobody asked for."""
    opened(world, BATCH)
    world.jobs.claim(BATCH, NOON, LATER)
    world.jobs.defer(replace(BATCH, transform_attempt=1, due_at=LATER, reason="CapacityError"), NOON)

    world.jobs.mark_sent(BATCH, {"output_location": "s3://jobs/out"}, NOON)

    assert job_in(world, BATCH).status is JobStatus.OPEN


def test_those_unanswered_are_found_by_status_and_since_when_longest_first(world: Any) -> None:
    jobs = [job_of([(str(number), 0)], EngineName.BATCH if number % 2 else EngineName.ASYNC) for number in range(6)]
    for number, job in enumerate(jobs):
        opened(world, job, str(number))
    world.jobs.mark_sent(jobs[0], RECEIPT, "0")
    world.jobs.close(jobs[2].job_id, JobStatus.DONE, "", "2")
    world.jobs.touch(jobs[1].job_id, "9")

    def ids(*numbers: int) -> list[str]:
        return [jobs[number].job_id for number in numbers]

    assert found(world, "9") == {JobStatus.SENT: ids(0), JobStatus.OPEN: ids(3, 4, 5, 1)}
    assert found(world, "4") == {JobStatus.SENT: ids(0), JobStatus.OPEN: ids(3, 4)}
    assert found(world, "9", 2) == {JobStatus.SENT: ids(0), JobStatus.OPEN: ids(3, 4)}
    assert {job.job_id for job in world.jobs.all()} == set(ids(*range(6)))


@pytest.mark.parametrize("step", ["open", "ready", "sent", "defer", "touch"])
def test_whatever_is_done_about_a_job_it_is_looked_into_later(world: Any, step: str) -> None:
    in_status(world, {"open": JobStatus.ABANDONED, "ready": JobStatus.PREPARED}.get(step, JobStatus.OPEN))
    doing = {
        "open": lambda: world.jobs.create(JOB, LATER),
        "ready": lambda: world.jobs.open(JOB, LATER),
        "sent": lambda: world.jobs.mark_sent(JOB, RECEIPT, LATER),
        "defer": lambda: world.jobs.defer(replace(JOB, transform_attempt=1), LATER),
        "touch": lambda: world.jobs.touch(JOB.job_id, LATER),
    }

    doing[step]()

    assert found(world, "2026-05-04T15:59:59.999Z") == {}
    assert list(found(world, LATER).values()) == [[JOB.job_id]]


def test_touching_changes_nothing_else(world: Any) -> None:
    in_status(world, JobStatus.SENT)
    before = job_in(world)

    world.jobs.touch(JOB.job_id, LATER)

    assert job_in(world) == replace(before, touched_at=LATER)


def test_an_answer_that_is_announced_again_does_not_close_the_job_anew(world: Any) -> None:
    in_status(world, JobStatus.DONE)
    before = job_in(world)

    world.jobs.close(JOB.job_id, JobStatus.DONE, "Again.", LATER)

    assert job_in(world) == before


@pytest.mark.parametrize("answer", [JobStatus.DONE, JobStatus.FAILED])
def test_a_job_that_was_abandoned_is_not_closed(world: Any, answer: JobStatus) -> None:
    """Nobody asked for it; it is made ready again where somebody does."""
    in_status(world, JobStatus.ABANDONED)
    before = job_in(world)

    world.jobs.close(JOB.job_id, answer, "Late.", LATER)

    assert job_in(world) == before


@pytest.mark.parametrize("status", sorted(set(JobStatus) - UNFINISHED))
def test_what_waits_for_no_answer_is_not_touched(world: Any, status: JobStatus) -> None:
    in_status(world, status)
    before = job_in(world)

    world.jobs.touch(JOB.job_id, LATER)

    assert job_in(world) == before


def test_no_try_is_left_out(world: Any) -> None:
    opened(world, BATCH)
    before = job_in(world, BATCH)

    world.jobs.defer(replace(BATCH, transform_attempt=2, due_at=LATER, reason="CapacityError"), LATER)

    assert job_in(world, BATCH) == before
