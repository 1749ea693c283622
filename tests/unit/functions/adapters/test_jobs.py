from __future__ import annotations

from typing import Any

import pytest
from bintally.adapters.jobs import DynamoJobs
from bintally.domain.jobs import JobStatus, job_of

from tests.unit.functions.aws import client, table
from tests.unit.functions.examples import LATER, NOON

JOB = job_of(["a", "b"])


@pytest.fixture
def jobs(aws: None) -> DynamoJobs:
    return DynamoJobs(client("dynamodb"), table("JobsTable"))


def item() -> dict[str, Any]:
    answer = client("dynamodb").get_item(TableName=table("JobsTable"), Key={"job_id": {"S": JOB.job_id}})
    found: dict[str, Any] = answer["Item"]
    return found


def in_the_open() -> int:
    count: int = client("dynamodb").scan(TableName=table("JobsTable"), IndexName="Open")["Count"]
    return count


def test_a_job_tells_its_story(jobs: DynamoJobs) -> None:
    jobs.open(JOB, "1")
    jobs.claim(JOB, "2", "3")
    jobs.sent(JOB, {"output": "s3://jobs/o", "failure": "s3://jobs/f"}, "4")
    jobs.close(JOB.job_id, JobStatus.FAILED, "No capacity.", "5")

    assert item() == {
        "job_id": {"S": JOB.job_id},
        "manifest": {"S": JOB.manifest},
        "images": {"N": "2"},
        "engine": {"S": "async"},
        "status": {"S": "FAILED"},
        "reason": {"S": "No capacity."},
        "attempts": {"N": "1"},
        "opened_at": {"S": "1"},
        "submitted_at": {"S": "4"},
        "closed_at": {"S": "5"},
        "output": {"S": "s3://jobs/o"},
        "failure": {"S": "s3://jobs/f"},
    }


def test_each_claim_is_an_attempt(jobs: DynamoJobs) -> None:
    jobs.open(JOB, "1")
    for moment in ("2", "3", "3", "4"):
        jobs.claim(JOB, moment, moment)

    assert item()["attempts"] == {"N": "3"}


def test_what_is_unanswered_is_in_the_open_and_nothing_else(jobs: DynamoJobs) -> None:
    jobs.open(JOB, NOON)
    assert in_the_open() == 1
    jobs.sent(JOB, {}, NOON)
    assert (in_the_open(), jobs.waiting()) == (1, [])

    jobs.close(JOB.job_id, JobStatus.DONE, "", LATER)

    assert in_the_open() == 0


def test_every_job_that_waits_is_found(jobs: DynamoJobs) -> None:
    waiting = [job_of([str(number)]) for number in range(30)]
    for job in waiting:
        jobs.open(job, NOON)

    assert {job.job_id for job in jobs.waiting()} == {job.job_id for job in waiting}
