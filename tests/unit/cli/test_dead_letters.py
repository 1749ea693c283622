from __future__ import annotations

import json
from pathlib import Path

import pytest
from bincli.dead_letters import (
    READABLE,
    UNKNOWN_FORM,
    UNREADABLE,
    cause_of_objects,
    cause_of_result,
    cause_of_stream,
    job_id_of,
    objects_in,
)
from bincli.queues import Message

EVENTS = Path(__file__).parents[3] / "events"
BUCKET = "bintally-intake-000000000000-us-east-1"
BAD = ["", "{", "[]", "7", '"text"', "null", "[" * 100_000]
STRANGE = ['{"a": 1}', '{"Records": 7}', '{"Records": [{}]}', '{"Records": [7]}', '{"detail-type": "Object Created"}']


def bodies(name: str) -> list[str]:
    return [record["body"] for record in json.loads((EVENTS / name).read_text())["Records"]]


def dead(body: str, **attributes: str) -> Message:
    return Message("receipt", body, attributes)


def test_images_are_found_in_both_forms_of_notification() -> None:
    found = [
        each
        for name in ("s3-put", "s3-eventbridge")
        for body in bodies(f"intake/{name}.json")
        for each in objects_in(body)
    ]

    assert {bucket for bucket, _ in found} == {BUCKET}
    assert len(found) == 3
    assert all(version for _, (_, version) in found)


def test_a_key_is_given_as_it_is_and_no_version_as_none() -> None:
    stored = {"key": "shelf+1/caf%C3%A9.jpg", "versionId": "null"}
    place = {"bucket": {"name": "b"}, "object": stored | {"sequencer": "01"}}
    record = {"eventName": "s3:ObjectCreated:Put", "eventTime": "2026-05-04T08:15:30Z", "s3": place}

    assert objects_in(json.dumps({"Records": [record]})) == [("b", ("shelf 1/café.jpg", None))]


@pytest.mark.parametrize("body", [*BAD, *STRANGE, '{"Event": "s3:TestEvent"}'])
def test_an_empty_folder_has_no_files(body: str) -> None:
    assert objects_in(body) == []
    assert job_id_of(body) is None


def test_a_deletion_uploads_nothing() -> None:
    assert objects_in('{"Records": [{"eventName": "ObjectRemoved:Delete", "s3": {}}]}') == []


@pytest.mark.parametrize("name", ["async-success", "async-failure"])
def test_the_job_of_a_request_is_found(name: str) -> None:
    (body,) = bodies(f"collect/{name}.json")

    assert str(job_id_of(body)).startswith("async-")


def test_the_job_of_a_transform_job_is_found_without_the_number_of_its_attempt() -> None:
    (body,) = bodies("collect/transform-failed.json")
    name = json.loads(body)["detail"]["TransformJobName"]

    assert job_id_of(body) == name.removesuffix("-0") != name


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        *((body, UNREADABLE) for body in BAD),
        *((body, UNKNOWN_FORM) for body in STRANGE),
        (bodies("intake/s3-put.json")[0], READABLE),
        (bodies("intake/s3-put.json")[0].replace(BUCKET, "other"), "unreadable: names the bucket other"),
    ],
)
def test_why_a_notification_of_s3_is_dead(body: str, cause: str) -> None:
    assert cause_of_objects(dead(body), BUCKET) == cause


def test_why_a_notification_of_sagemaker_is_dead() -> None:
    (body,) = bodies("collect/async-success.json")

    assert cause_of_result(dead(body), {str(job_id_of(body)): None}) == READABLE
    assert cause_of_result(dead(body), {}) == "its job is not in the jobs table"
    assert cause_of_result(dead("{"), {}) == UNREADABLE


def test_eventbridge_says_why_it_could_not_deliver() -> None:
    undelivered = dead('{"detail-type": "x"}', ERROR_CODE="NO_PERMISSIONS", ERROR_MESSAGE="The queue refused.")

    assert cause_of_result(undelivered, {}) == "not delivered: NO_PERMISSIONS The queue refused."


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ('{"requestContext": {"condition": "RetryAttemptsExhausted"}}', "RetryAttemptsExhausted"),
        ('{"requestContext": 7}', UNKNOWN_FORM),
        ("{", "no reason given"),
    ],
)
def test_lambda_says_why_a_batch_of_a_stream_is_dead(body: str, cause: str) -> None:
    assert cause_of_stream(dead(body)) == cause
