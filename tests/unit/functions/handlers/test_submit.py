from __future__ import annotations

import pytest
from bintally.domain.jobs import job_of
from bintally.handlers import wiring

from tests.unit.functions.examples import NOON, photographs
from tests.unit.functions.handlers.lambdas import event, refused_by_sagemaker, run

IMAGES = photographs(2)
JOB = job_of(image.image_id for image in IMAGES)


@pytest.fixture
def waiting_job(on_aws: dict[str, str]) -> None:
    wiring.engine().prepare(JOB, IMAGES)
    wiring.jobs().open(JOB, NOON)


def test_nothing_waits(on_aws: dict[str, str]) -> None:
    assert run("submit", event("submit/schedule.json")) == {"sent": [], "waiting": {}}


def test_what_waits_is_sent_once(waiting_job: None) -> None:
    assert run("submit", event("submit/schedule.json")) == {"sent": [JOB.job_id], "waiting": {}}
    assert run("submit", event("submit/schedule.json")) == {"sent": [], "waiting": {}}


def test_what_is_refused_waits_and_says_why(waiting_job: None) -> None:
    with refused_by_sagemaker():
        answer = run("submit", event("submit/schedule.json"))

    assert answer["sent"] == []
    assert "ThrottlingException" in answer["waiting"][JOB.job_id]
    assert [job.job_id for job in wiring.jobs().waiting()] == [JOB.job_id]
