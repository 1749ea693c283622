from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from bintally.adapters.jobs import DynamoJobs
from bintally.domain.jobs import UNFINISHED, EngineName, Job, JobStatus, job_of

from tests.unit.functions.aws import client, table
from tests.unit.functions.examples import LATER, NOON

JOB = job_of([("a", 0), ("b", 0)])
BATCH = job_of([("a", 0), ("b", 0), ("c", 1)], EngineName.BATCH, 2)


@pytest.fixture
def jobs(aws: None) -> DynamoJobs:
    return DynamoJobs(client("dynamodb"), table("JobsTable"))


def item(job: Job = JOB) -> dict[str, Any]:
    answer = client("dynamodb").get_item(TableName=table("JobsTable"), Key={"job_id": {"S": job.job_id}})
    found: dict[str, Any] = answer["Item"]
    return found


def in_the_open() -> int:
    count: int = client("dynamodb").scan(TableName=table("JobsTable"), IndexName="Unfinished")["Count"]
    return count


def test_a_job_item_has_its_history(jobs: DynamoJobs) -> None:
    jobs.create(JOB, "1")
    jobs.open(JOB, "2")
    jobs.claim(JOB, "3", "4")
    jobs.mark_sent(JOB, {"output_location": "s3://jobs/o", "failure_location": "s3://jobs/f"}, "5")
    jobs.close(JOB.job_id, JobStatus.FAILED, "No capacity.", "6")

    assert item() == {
        "job_id": {"S": JOB.job_id},
        "folder": {"S": f"jobs/{JOB.job_id}/input/"},
        "images": {"N": "2"},
        "shards": {"N": "1"},
        "engine": {"S": "async"},
        "status": {"S": "FAILED"},
        "reason": {"S": "No capacity."},
        "send_count": {"N": "1"},
        "prepare_count": {"N": "1"},
        "transform_attempt": {"N": "0"},
        "created_at": {"S": "1"},
        "submitted_at": {"S": "5"},
        "closed_at": {"S": "6"},
        "output_location": {"S": "s3://jobs/o"},
        "failure_location": {"S": "s3://jobs/f"},
    }


def test_a_job_waiting_for_capacity_has_time_and_reason(jobs: DynamoJobs) -> None:
    jobs.create(BATCH, "1")
    jobs.open(BATCH, "2")
    jobs.claim(BATCH, "3", "4")
    jobs.defer(replace(BATCH, transform_attempt=1, due_at="9", reason="CapacityError: None left."), "5")

    assert item(BATCH) == {
        "job_id": {"S": BATCH.job_id},
        "folder": {"S": f"jobs/{BATCH.job_id}/input/"},
        "images": {"N": "3"},
        "shards": {"N": "2"},
        "engine": {"S": "batch"},
        "status": {"S": "OPEN"},
        "reason": {"S": "CapacityError: None left."},
        "send_count": {"N": "1"},
        "prepare_count": {"N": "1"},
        "transform_attempt": {"N": "1"},
        "due_at": {"S": "9"},
        "created_at": {"S": "1"},
        "touched_at": {"S": "9"},
        "unfinished_engine": {"S": "batch"},
    }


def test_each_claim_is_an_attempt(jobs: DynamoJobs) -> None:
    jobs.create(JOB, "1")
    jobs.open(JOB, "1")
    for moment in ("2", "3", "3", "4"):
        jobs.claim(JOB, moment, moment)

    assert item()["send_count"] == {"N": "3"}


@pytest.mark.parametrize("closed", [JobStatus.DONE, JobStatus.FAILED])
def test_exactly_the_unfinished_jobs_are_in_the_index(jobs: DynamoJobs, closed: JobStatus) -> None:
    jobs.create(JOB, NOON)
    assert in_the_open() == 1
    jobs.open(JOB, NOON)
    assert in_the_open() == 1
    jobs.mark_sent(JOB, {}, NOON)
    assert in_the_open() == 1

    jobs.close(JOB.job_id, closed, "", LATER)

    assert in_the_open() == 0


def test_an_abandoned_job_is_in_the_index_only_once_it_is_created_again(jobs: DynamoJobs) -> None:
    jobs.create(JOB, NOON)
    jobs.abandon(jobs.read([JOB.job_id])[JOB.job_id], NOON)
    assert in_the_open() == 0

    jobs.open(JOB, LATER)

    assert in_the_open() == 1
    assert not {"closed_at", "reason"} & set(item())


def test_touching_a_finished_job_does_not_index_it(jobs: DynamoJobs) -> None:
    jobs.create(JOB, NOON)
    jobs.close(JOB.job_id, JobStatus.DONE, "", NOON)

    jobs.touch(JOB.job_id, LATER)
    jobs.touch("async-unknown", LATER)

    assert in_the_open() == 0
    assert len(list(jobs.all())) == 1


def test_every_job_that_waits_is_found(jobs: DynamoJobs) -> None:
    waiting = [job_of([(str(number), 0)], engine) for number in range(15) for engine in EngineName]
    for job in waiting:
        jobs.create(job, NOON)

    found = jobs.unfinished(JobStatus.PREPARED, NOON, 100)

    assert {job.job_id for job in found} == {job.job_id for job in waiting}


def test_a_job_that_waits_behind_many_others_is_found(jobs: DynamoJobs) -> None:
    """The index is filtered by status: a page can hold many that are in another one."""
    request = {"TableName": table("JobsTable"), "IndexName": "Unfinished"}
    for number in range(60):
        job = job_of([(str(number), 0)])
        jobs.create(job, f"{number:03}")
        if number < 59:
            jobs.open(job, f"{number:03}")

    (found,) = jobs.unfinished(JobStatus.PREPARED, "999", 1)

    assert client("dynamodb").scan(**request)["Count"] == 60
    assert found == replace(job_of([("59", 0)]), prepare_count=1, created_at="059", touched_at="059")


def test_unfinished_statuses_are_those_in_the_index(jobs: DynamoJobs) -> None:
    seen = set()
    jobs.create(JOB, NOON)
    for move in (lambda: None, lambda: jobs.open(JOB, NOON), lambda: jobs.mark_sent(JOB, {}, NOON)):
        move()
        seen |= {status for status in JobStatus if jobs.unfinished(status, NOON, 1)}

    assert seen == UNFINISHED
