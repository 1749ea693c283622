from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from bintally.domain.image import Status
from bintally.handlers import wiring

from tests.unit.functions.handlers.lambdas import bodies, event, failed, messages, published, requests_made, run
from tests.unit.functions.handlers.test_story import put_predictions


@pytest.fixture
def asked(on_aws: dict[str, str], tried_once: None) -> dict[str, str]:
    """The photos of both intake events are submitted, and the first job has results."""
    for name in ("s3-put", "s3-eventbridge"):
        run("intake", event(f"intake/{name}.json"))
    put_predictions(on_aws)
    return on_aws


def success(**changes: Any) -> dict[str, Any]:
    (body,) = bodies("collect/async-success.json")
    note = json.loads(body["Message"]) | changes
    return body | {"Message": json.dumps(note)}


def failure() -> dict[str, Any]:
    (body,) = bodies("collect/async-failure.json")
    return body


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "no JSON",
        success() | {"TopicArn": "arn:aws:sns:us-east-1:999999999999:bintally-success"},
        success(inferenceId="async-unknown"),
        success(responseParameters={"outputLocation": "s3://elsewhere/async/output/x.out"}),
        success(
            responseParameters={"outputLocation": "s3://bintally-jobs-000000000000-us-east-1/orders/reports/x.out"}
        ),
        success(responseParameters={"outputLocation": ""}),
        success(responseParameters={}),
    ],
)
def test_a_bad_message_is_retried_and_good_ones_are_processed(bad: Any, asked: dict[str, str]) -> None:
    answer = run("collect", messages(bad, failure()))

    assert failed(answer) == ["m0"]
    assert wiring.dependencies().ledger.statuses() == {Status.SUBMITTED: 2, Status.FAILED: 1}


def test_if_all_messages_are_bad_all_are_retried(asked: dict[str, str]) -> None:
    assert failed(run("collect", messages("", success(inferenceId="async-unknown")))) == ["m0", "m1"]


def test_a_repeated_notification_publishes_nothing(asked: dict[str, str]) -> None:
    run("collect", event("collect/async-success.json"))

    with requests_made() as made:
        assert failed(run("collect", event("collect/async-success.json"))) == []

    assert published(made) == []
    assert wiring.dependencies().ledger.statuses() == {Status.SUBMITTED: 1, Status.COUNTED: 1, Status.REJECTED: 1}


def test_success_and_failure_of_one_job_in_one_batch(asked: dict[str, str]) -> None:
    (note,) = [json.loads(body["Message"]) for body in bodies("collect/async-success.json")]
    contrary = failure() | {
        "Message": json.dumps(json.loads(failure()["Message"]) | {"inferenceId": note["inferenceId"]})
    }

    assert failed(run("collect", messages(success(), contrary))) == []

    assert wiring.dependencies().ledger.statuses() == {Status.SUBMITTED: 1, Status.COUNTED: 1, Status.REJECTED: 1}


def test_the_test_of_sagemaker_is_acknowledged(
    on_aws: dict[str, str], logs: Callable[[], list[dict[str, Any]]]
) -> None:
    assert failed(run("collect", event("collect/test-notification.json"))) == []

    assert "nothing to collect" in [line["message"] for line in logs()]


def test_an_event_about_an_earlier_model_version_is_acknowledged(
    on_aws: dict[str, str], setting: Callable[[str, str], None], logs: Callable[[], list[dict[str, Any]]]
) -> None:
    """It was queued before a deployment. The sweep collects its job."""
    setting("MODEL_NAME", on_aws["ENDPOINT_NAME"] + "2")

    assert failed(run("collect", event("collect/transform-completed.json"))) == []

    (line,) = [line for line in logs() if line["message"] == "ignored"]
    assert line["reason"] == "The transform job uses the model bintally-counter, not bintally-counter2."


def test_collected_results_are_measured(asked: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    run("collect", event("collect/async-success.json"))

    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "ImagesCounted" in line]
    assert (line["ImagesCounted"], line["ImagesRejected"]) == ([1], [1])


def test_an_image_without_a_result_is_retried(
    asked: dict[str, str], setting: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    setting("MAX_ATTEMPTS", "3")

    assert failed(run("collect", event("collect/async-failure.json"))) == []

    assert wiring.dependencies().ledger.statuses() == {Status.SUBMITTED: 2, Status.RECEIVED: 1}
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "JobsFailed" in line]
    assert (line["JobsFailed"], line["ImagesReceived"]) == ([1], [1])


def test_a_missing_output_is_not_a_result(asked: dict[str, str], setting: Callable[[str, str], None]) -> None:
    setting("MAX_ATTEMPTS", "3")
    gone = "s3://bintally-jobs-000000000000-us-east-1/async/output/none.out"

    assert failed(run("collect", messages(success(responseParameters={"outputLocation": gone})))) == []

    assert wiring.dependencies().ledger.statuses() == {Status.SUBMITTED: 1, Status.RECEIVED: 2}
