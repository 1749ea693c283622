from __future__ import annotations

import re
from dataclasses import replace

import pytest
from bintally.domain.jobs import EngineName, JobResult, job_of
from bintally.domain.transforms import name_of, result_of
from hypothesis import given
from hypothesis import strategies as st

JOB = job_of([("a", 0)], EngineName.BATCH)
OUTPUT = f"s3://jobs/jobs/{JOB.job_id}/output/"
CAPACITY = "CapacityError: Unable to provision requested ML compute capacity."


@given(st.integers(0, 10**9), st.sampled_from(["Completed", "Failed", "Stopped"]))
def test_a_name_is_valid_for_sagemaker_and_contains_job_and_attempt(transform_attempt: int, status: str) -> None:
    name = name_of(replace(JOB, transform_attempt=transform_attempt))

    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", name)
    result = result_of(name, status, OUTPUT, "")
    assert result is not None
    assert (result.job_id, result.transform_attempt) == (JOB.job_id, transform_attempt)


def test_each_attempt_has_its_own_name() -> None:
    assert len({name_of(replace(JOB, transform_attempt=transform_attempt)) for transform_attempt in range(20)}) == 20


@pytest.mark.parametrize(
    ("status", "reason", "failure"),
    [
        ("Completed", "", ""),
        ("Completed", "Something was odd.", ""),
        ("Failed", CAPACITY, CAPACITY),
        ("Failed", "", "The transform job failed."),
        ("Stopped", "", "The transform job was stopped."),
        ("Stopped", "By a person.", "By a person."),
    ],
)
def test_a_finished_job_has_an_output_and_if_failed_a_reason(status: str, reason: str, failure: str) -> None:
    assert result_of(f"{JOB.job_id}-2", status, OUTPUT, reason) == JobResult(JOB.job_id, OUTPUT, failure, 2)


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
def test_a_running_job_has_no_result_yet(status: str) -> None:
    assert result_of(f"{JOB.job_id}-0", status, OUTPUT, "") is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "batch-1-0",
        JOB.job_id,
        f"{JOB.job_id}-",
        f"{JOB.job_id}-x",
        f"{JOB.job_id}--1",
        f"{JOB.job_id}-0 ",
        f"{JOB.job_id}-0\n",
        f"x{JOB.job_id}-0",
        f"{JOB.job_id.upper()}-0",
        f"async-{'0' * 40}-0",
        f"batch-{'g' * 40}-0",
        f"batch-{'0' * 41}-0",
    ],
)
def test_the_name_of_another_job_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a transform job of bintally"):
        result_of(name, "Completed", OUTPUT, "")


@pytest.mark.parametrize("status", ["", "completed", "Done", "None"])
def test_an_unknown_status_is_refused(status: str) -> None:
    with pytest.raises(ValueError, match="not the status of a transform job"):
        result_of(f"{JOB.job_id}-0", status, OUTPUT, "")


@given(st.text(max_size=60))
def test_any_name_is_refused_or_identifies_a_job(name: str) -> None:
    try:
        result = result_of(name, "Completed", OUTPUT, "")
    except ValueError:
        return
    assert result is not None
    assert name.startswith(f"{result.job_id}-")
