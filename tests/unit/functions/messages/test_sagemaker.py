from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from bintally.domain.errors import FormerModelError, InvalidEventError
from bintally.domain.jobs import JobResult
from bintally.messages.sagemaker import job_result
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.functions.handlers.lambdas import bodies
from tests.unit.functions.messages.test_s3 import anything, leaves, replaced

TOPICS = frozenset(f"arn:aws:sns:us-east-1:000000000000:bintally-{kind}" for kind in ("success", "error"))
MODEL = "bintally-counter"
TRANSFORMS = ["completed", "failed", "capacity", "stopped"]


def result(body: Any) -> JobResult | None:
    return job_result(body if isinstance(body, str) else json.dumps(body), TOPICS, MODEL, MODEL)


def envelope(note: Any, topic: str = "success") -> dict[str, Any]:
    (body,) = bodies("collect/async-success.json")
    arn = f"arn:aws:sns:us-east-1:000000000000:bintally-{topic}"
    return body | {"TopicArn": arn, "Message": note if isinstance(note, str) else json.dumps(note)}


def note_of(name: str) -> dict[str, Any]:
    (body,) = bodies(f"collect/{name}.json")
    note: dict[str, Any] = json.loads(body["Message"])
    return note


def transform(name: str = "completed", **changes: Any) -> dict[str, Any]:
    """An event on a transform job, with another detail."""
    (event,) = deepcopy(bodies(f"collect/transform-{name}.json"))
    event["detail"] |= changes
    return event


# ---- Notes on requests


def test_a_note_of_success() -> None:
    note = note_of("async-success")

    assert result(envelope(note)) == JobResult(note["inferenceId"], note["responseParameters"]["outputLocation"])


def test_a_note_of_failure_has_no_response_parameters() -> None:
    note = note_of("async-failure")

    assert "responseParameters" not in note
    assert result(envelope(note, "error")) == JobResult(note["inferenceId"], None, note["failureReason"])


def test_a_failure_is_a_failure_also_where_it_names_an_output() -> None:
    note = note_of("async-failure") | {"responseParameters": {"outputLocation": "s3://bintally-jobs/x.out"}}

    parsed = result(envelope(note, "error"))
    assert parsed is not None
    assert parsed.output_location is None


@pytest.mark.parametrize("reason", [None, ""])
def test_a_failure_without_a_reason_says_so(reason: str | None) -> None:
    parsed = result(envelope(note_of("async-failure") | {"failureReason": reason}, "error"))

    assert parsed is not None
    assert parsed.failure_reason == "The request failed without a reason."


def test_the_test_notification_of_sagemaker_names_no_job() -> None:
    assert result(bodies("collect/test-notification.json")[0]) is None


@pytest.mark.parametrize(
    "topic",
    [
        "arn:aws:sns:us-east-1:000000000000:elsewhere",
        "arn:aws:sns:us-east-1:999999999999:bintally-success",
        "",
        None,
        17,
        ["arn:aws:sns:us-east-1:000000000000:bintally-success"],
    ],
)
def test_a_notification_from_another_topic_is_refused(topic: Any) -> None:
    with pytest.raises(InvalidEventError):
        result(envelope(note_of("async-success")) | {"TopicArn": topic})


def test_a_notification_without_its_envelope_is_refused() -> None:
    with pytest.raises(InvalidEventError):
        result(note_of("async-success"))


@pytest.mark.parametrize(
    "note",
    [
        "",
        "no JSON",
        "[]",
        "null",
        {},
        {"inferenceId": "x"},
        {"invocationStatus": "Completed"},
        {"inferenceId": "x", "invocationStatus": "Completed"},
        {"inferenceId": "x", "invocationStatus": "Completed", "responseParameters": None},
        {"inferenceId": "x", "invocationStatus": "Completed", "responseParameters": {}},
        {"inferenceId": "x", "invocationStatus": "Completed", "responseParameters": {"outputLocation": ""}},
        {"inferenceId": "x", "invocationStatus": "Completed", "responseParameters": {"outputLocation": None}},
    ],
)
def test_a_message_that_is_not_a_notification_of_sagemaker_is_refused(note: Any) -> None:
    with pytest.raises(InvalidEventError):
        result(envelope(note))


def test_unknown_fields_of_a_notification_are_ignored() -> None:
    note = note_of("async-success") | {"eventVersion": "2.0", "customAttributes": "x", "new": {"field": 1}}

    assert result(envelope(note)) == result(envelope(note_of("async-success")))


@settings(max_examples=200)
@given(st.data())
def test_any_mutated_notification_is_refused_or_gives_a_result(data: st.DataObject) -> None:
    note = note_of(data.draw(st.sampled_from(["async-success", "async-failure"])))
    path = data.draw(st.sampled_from(list(leaves(note))))
    try:
        parsed = result(envelope(replaced(note, path, data.draw(anything))))
    except InvalidEventError:
        return
    if parsed is not None:
        assert isinstance(parsed.job_id, str)
        assert parsed.output_location is None or isinstance(parsed.output_location, str)


# ---- Transform jobs


def job_and_output(event: dict[str, Any]) -> tuple[str, str]:
    return event["detail"]["TransformJobName"].removesuffix("-0"), event["detail"]["TransformOutput"]["S3OutputPath"]


@pytest.mark.parametrize(
    ("name", "failure"),
    [
        ("completed", ""),
        ("failed", "AlgorithmError: See job logs for more information"),
        ("stopped", "The transform job was stopped."),
    ],
)
def test_a_transform_job_that_ended(name: str, failure: str) -> None:
    event = transform(name)

    assert result(event) == JobResult(*job_and_output(event), failure, 0)


def test_a_transform_job_without_capacity_has_sagemakers_reason() -> None:
    parsed = result(transform("capacity"))

    assert parsed is not None
    assert parsed.failure_reason.startswith("CapacityError: Unable to provision requested ML compute capacity.")


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
def test_a_running_transform_job_gives_no_result(status: str) -> None:
    assert result(transform(TransformJobStatus=status)) is None


@pytest.mark.parametrize("transform_attempt", [0, 1, 17])
def test_an_event_names_its_attempt(transform_attempt: int) -> None:
    event = transform()
    name = event["detail"]["TransformJobName"].removesuffix("0") + str(transform_attempt)

    parsed = result(transform(TransformJobName=name))

    assert parsed is not None
    assert parsed.transform_attempt == transform_attempt


@pytest.mark.parametrize("model", ["bintally-counter", "bintally-counter1", "bintally-counterV2x"])
def test_an_event_about_an_earlier_model_of_ours_is_accepted(model: str) -> None:
    body = json.dumps(transform(ModelName=model))

    with pytest.raises(FormerModelError, match=rf"{model}, not bintally-counter3\."):
        job_result(body, TOPICS, "bintally-counter3", "bintally-counter")


@pytest.mark.parametrize("model", ["other-counter", "bintally-counter-x", "bintally-counter" + "1" * 17, "x", ""])
def test_an_event_about_another_model_is_refused(model: str) -> None:
    with pytest.raises(InvalidEventError) as raised:
        job_result(json.dumps(transform(ModelName=model)), TOPICS, "bintally-counter3", "bintally-counter")

    assert not isinstance(raised.value, FormerModelError)


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("time", ["2026-05-04T08:22:26Z", 1777882623000, None, ""])
def test_times_come_in_two_forms_and_make_no_difference(name: str, time: Any) -> None:
    times = dict.fromkeys(("CreationTime", "TransformStartTime", "TransformEndTime"), time)

    assert result(transform(name, **times)) == result(transform(name))


def test_unknown_fields_of_an_event_are_ignored() -> None:
    event = transform(NewField={"a": [1]}) | {"version": "1", "new": None}

    assert result(event) == result(transform())


@pytest.mark.parametrize(
    "forged",
    [
        transform() | {"source": "aws.sagemaker.test"},
        transform() | {"source": None},
        transform() | {"detail-type": "SageMaker Training Job State Change"},
        transform() | {"detail-type": "Object Created"},
        transform() | {"detail-type": None},
        transform() | {"detail": None},
        transform() | {"detail": []},
        transform(ModelName="elsewhere"),
        transform(ModelName=f"{MODEL}2"),
        transform(ModelName=None),
        transform(TransformJobName="elsewhere"),
        transform(TransformJobName=f"async-{'0' * 40}-0"),
        transform(TransformJobName=None),
        transform(TransformJobStatus="Paused"),
        transform(TransformJobStatus=None),
        transform(TransformOutput=None),
        transform(TransformOutput={}),
        transform(TransformOutput={"S3OutputPath": ""}),
        transform(TransformOutput={"S3OutputPath": ["s3://jobs/"]}),
    ],
)
def test_an_event_that_is_forged_or_malformed_is_refused(forged: dict[str, Any]) -> None:
    with pytest.raises(InvalidEventError):
        result(forged)


def test_events_and_notifications_are_not_confused() -> None:
    note = envelope(note_of("async-success"))

    with pytest.raises(InvalidEventError):
        result(note | {"detail-type": "SageMaker Transform Job State Change"})
    with pytest.raises(InvalidEventError):
        result({name: value for name, value in transform().items() if name != "detail-type"})
    with pytest.raises(InvalidEventError):
        result(envelope(transform()))


@settings(max_examples=200)
@given(st.data())
def test_any_mutated_event_is_refused_or_gives_a_result(data: st.DataObject) -> None:
    event = transform(data.draw(st.sampled_from(TRANSFORMS)))
    path = data.draw(st.sampled_from(list(leaves(event))))
    try:
        parsed = result(replaced(event, path, data.draw(anything)))
    except InvalidEventError:
        return
    if parsed is not None:
        assert (parsed.job_id, parsed.transform_attempt) == (job_and_output(event)[0], 0)
        assert parsed.output_location
        assert isinstance(parsed.failure_reason, str)


@pytest.mark.parametrize("body", ["", "null", "[]", "17", '"text"', "{}", "{", "[" * 99_999])
def test_any_other_message_is_refused(body: str) -> None:
    with pytest.raises(InvalidEventError):
        result(body)


# ---- Records of invocations that Lambda gave up


def test_an_output_of_the_model_function_is_announced_as_one_of_the_endpoint() -> None:
    note = note_of("lambda-success")

    assert result(envelope(note)) == JobResult(note["inferenceId"], note["responseParameters"]["outputLocation"])


def test_a_failed_invocation_names_its_job_and_its_reason() -> None:
    record = note_of("lambda-failure")

    parsed = result(envelope(record, "error"))

    assert parsed is not None
    assert (parsed.job_id, parsed.output_location) == (record["requestPayload"]["job_id"], None)
    assert parsed.failure_reason.startswith("The model function failed (RetriesExhausted): ")
    assert "timed out after 900.00 seconds" in parsed.failure_reason


@pytest.mark.parametrize("payload", [None, "text", {}, {"errorMessage": None}])
def test_an_event_that_expired_has_no_response(payload: object) -> None:
    record = note_of("lambda-failure") | {"responsePayload": payload}
    record["requestContext"] |= {"condition": "EventAgeExceeded"}

    parsed = result(envelope(record, "error"))

    assert parsed is not None
    assert parsed.failure_reason == "The model function failed (EventAgeExceeded): no message"


def test_an_invocation_of_something_else_is_no_result() -> None:
    with pytest.raises(InvalidEventError, match="job_id"):
        result(envelope(note_of("lambda-failure") | {"requestPayload": {}}, "error"))
