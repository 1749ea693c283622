from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from bintally.domain.image import Status
from bintally.domain.jobs import EngineName, JobStatus
from bintally.handlers import wiring
from bintally.handlers.settings import settings

from tests.unit.functions.examples import NOON, make_images
from tests.unit.functions.handlers.lambdas import event, refused_by_sagemaker, run
from tests.unit.functions.usecases.runs import first_job_of

IMAGES = make_images(2)
JOB = first_job_of(IMAGES)
NOTHING = {
    "sent": [],
    "waiting": {},
    "assigned": 0,
    "answered": [],
    "failed": [],
    "timed_out": [],
    "opened": [],
    "abandoned": [],
    "errors": {},
    "status_counts": {},
}


def submit() -> dict[str, Any]:
    answer: dict[str, Any] = run("submit", event("submit/schedule.json"))
    return answer


@pytest.fixture
def waiting_job(on_aws: dict[str, str]) -> None:
    wiring.dependencies().engine(EngineName.ASYNC).prepare(JOB, [IMAGES])
    wiring.dependencies().jobs.create(JOB, NOON)
    wiring.dependencies().ledger.register(IMAGES, JOB.job_id, NOON)
    wiring.dependencies().jobs.open(JOB, NOON)


def test_nothing_waits(on_aws: dict[str, str]) -> None:
    assert submit() == NOTHING


def test_a_waiting_job_is_sent_once(waiting_job: None) -> None:
    assert submit() == NOTHING | {"sent": [JOB.job_id]}
    assert submit() == NOTHING


def test_a_used_up_quota_is_measured_and_named_in_the_log(
    on_aws: dict[str, str],
    setting: Callable[[str, str], None],
    logs: Callable[[], list[dict[str, Any]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    setting("INFERENCE_MODE", "batch")
    wiring.dependencies().ledger.receive(IMAGES, NOON)
    limit = "The account-level service limit 'ml.c6i.xlarge for transform job usage' is 0 Instances."

    with refused_by_sagemaker("ResourceLimitExceeded", limit, "sagemaker"):
        submit()

    (line,) = [line for line in logs() if line["message"] == "job waits for the next run"]
    assert limit in line["reason"]
    measured = [json.loads(text) for text in capsys.readouterr().out.splitlines() if "_aws" in text]
    assert [each["JobsOverQuota"] for each in measured] == [[1.0]]


def test_a_rejected_job_waits_and_has_a_reason(waiting_job: None) -> None:
    with refused_by_sagemaker():
        answer = submit()

    assert answer["sent"] == []
    assert "ThrottlingException" in answer["waiting"][JOB.job_id]
    assert [job.job_id for job in wiring.dependencies().jobs.unfinished(JobStatus.OPEN, "9", 10)] == [JOB.job_id]


@pytest.mark.parametrize(("mode", "engine"), [("async", "async"), ("batch", "batch")])
def test_pending_images_go_to_the_configured_engine(
    mode: str, engine: str, on_aws: dict[str, str], setting: Callable[[str, str], None]
) -> None:
    setting("INFERENCE_MODE", mode)
    wiring.dependencies().ledger.receive(IMAGES, NOON)

    answer = submit()

    (job_id,) = answer["sent"]
    assert job_id.startswith(f"{engine}-")
    assert answer == NOTHING | {"sent": [job_id], "assigned": 2}
    assert wiring.dependencies().ledger.statuses() == {Status.SUBMITTED: 2}


def test_a_job_without_a_result_times_out_and_releases_its_images(waiting_job: None) -> None:
    folder = f"s3://{settings().jobs_bucket}/async"
    wiring.dependencies().jobs.mark_sent(
        JOB, {"output_location": f"{folder}/output/x.out", "failure_location": f"{folder}/failure/x.out"}, NOON
    )

    answer = submit()

    assert answer == NOTHING | {"timed_out": [JOB.job_id], "status_counts": {"RECEIVED": 2}}
    assert wiring.dependencies().ledger.statuses() == {Status.RECEIVED: 2}


def test_a_job_that_cannot_be_polled_is_named_and_does_not_stop_others(
    waiting_job: None, logs: Callable[[], list[dict[str, Any]]]
) -> None:
    wiring.dependencies().jobs.mark_sent(JOB, {"output_location": "s3://elsewhere/async/output/x.out"}, NOON)

    answer = submit()

    assert list(answer["errors"]) == [JOB.job_id]
    assert JOB.job_id in [line.get("job_id") for line in logs() if line["level"] == "WARNING"]


def test_a_run_is_measured_even_if_nothing_waits(on_aws: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """An alarm on a measure that is missing would never end."""
    submit()

    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    names = ["JobsSent", "JobsWaiting", "JobsFailed", "ImagesUnaccounted"]
    assert {name: line[name] for name in names} == {name: [0] for name in names}
    assert 0 <= line["OldestPendingSeconds"][0] < 1


def test_the_oldest_image_that_waits_is_measured(waiting_job: None, capsys: pytest.CaptureFixture[str]) -> None:
    with refused_by_sagemaker():
        submit()

    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert line["OldestPendingSeconds"][0] > 0
    assert line["JobsWaiting"] == [1]
