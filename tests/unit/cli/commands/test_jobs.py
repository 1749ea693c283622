from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from bincli.commands.jobs import age_text, record_of, show_jobs
from bintally.domain.jobs import Job, JobStatus

from tests.unit.cli.moto_stack import NOW, MotoStack
from tests.unit.cli.printing import Printed

LATER = datetime.fromisoformat(NOW) + timedelta(minutes=3, seconds=7)


def shown(stack: MotoStack, *, only_unfinished: bool = False, as_json: bool = False) -> Printed:
    output = Printed(as_json=as_json)
    show_jobs(stack.deployment, output, only_unfinished=only_unfinished, now=LATER)
    return output


@pytest.fixture
def jobs(stack: MotoStack) -> tuple[str, str]:
    """The ids of a job that failed and of a later one that is with the engine."""
    failed, _ = stack.submitted("a.jpg")
    stack.jobs.close(failed.job_id, JobStatus.FAILED, "[red] The model server ended.", NOW)
    sent, _ = stack.submitted("b.jpg", "c.jpg", created_at="2026-05-04T12:01:00.000Z")
    return failed.job_id, sent.job_id


def test_the_latest_job_comes_first(stack: MotoStack, jobs: tuple[str, str]) -> None:
    rows = [" ".join(row).strip() for row in shown(stack).rows]

    assert rows == [
        "Job Photos Shards Status Age Attempts Reason",
        f"{jobs[1][:18]} 2 1 SENT 2 min 0",
        f"{jobs[0][:18]} 1 1 FAILED 3 min 0 [red] The model server ended.",
    ]


def test_unfinished_jobs_can_be_listed_alone(stack: MotoStack, jobs: tuple[str, str]) -> None:
    assert [record["job_id"] for record in shown(stack, only_unfinished=True, as_json=True).records] == [jobs[1]]


def test_a_stack_without_jobs_says_what_starts_one(stack: MotoStack) -> None:
    output = shown(stack)

    assert output.stdout == ""
    assert output.stderr.startswith("No jobs yet. The first one starts when a photo")


def test_the_total_number_of_jobs_is_shown(stack: MotoStack, jobs: tuple[str, str]) -> None:
    assert shown(stack).stderr == "2 jobs, 1 without a result.\n"


def test_a_job_as_json_has_all_known_fields() -> None:
    job = Job("batch-1", 900, 2, status=JobStatus.OPEN, created_at=NOW)

    assert record_of(job, LATER) == {
        "job_id": "batch-1",
        "images": 900,
        "shards": 2,
        "engine": "async",
        "status": "OPEN",
        "send_count": 0,
        "transform_attempt": 0,
        "prepare_count": 0,
        "created_at": NOW,
        "age_seconds": 187,
    }


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59, "59 s"), (95, "1 min"), (7_300, "2 h"), (200_000, "2 d")]
)
def test_an_age_is_shown_in_its_largest_unit(seconds: int, text: str) -> None:
    assert age_text(seconds) == text
