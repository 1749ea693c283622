"""The files of `events`: each through its function, and all together one story."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from bintally.adapters.bins import DynamoBins
from bintally.adapters.clients import client
from bintally.adapters.order_files import report_key
from bintally.domain.bins import BinCount, BinStatus
from bintally.domain.image import Status
from bintally.domain.jobs import JobStatus
from bintally.handlers import wiring
from bintally.messages.s3 import objects_in_bucket
from jsonschema import Draft202012Validator

from tests.template.deployed import stack
from tests.unit.functions.aws import empty_stack
from tests.unit.functions.handlers.conftest import forget_settings, functions_environment
from tests.unit.functions.handlers.lambdas import (
    EVENTS,
    FUNCTIONS,
    bodies,
    event,
    failed,
    published,
    requests_made,
    run,
)

FUNCTION_EVENTS = [path.relative_to(EVENTS) for name in FUNCTIONS for path in sorted((EVENTS / name).glob("*.json"))]
OUT = sorted(path.stem for path in (EVENTS / "out").glob("*.json"))
KINDS = ["BinCounted", "ConsignmentReconciled", "DiscrepancyFound", "ImageRejected"]
Event = tuple[str, dict[str, Any]]
MODES = {"transform": "batch", "lambda": "lambda"}  # by the first word of an event's file
QUEUES = {"intake": "IntakeQueue", "collect": "ResultsQueue", "orders": "OrdersQueue"}


def schema(kind: str) -> Draft202012Validator:
    """The schema of an event's detail."""
    document = json.loads((EVENTS / "schemas" / f"{kind}.json").read_text())
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


def message(name: str) -> bytes:
    return (EVENTS / "messages" / name).read_bytes()


def put_orders(environment: dict[str, str]) -> None:
    for name, file in (("csv", "orders.csv"), ("json", "orders.json")):
        (body,) = bodies(f"orders/{name}-file.json")
        key = body["Records"][0]["s3"]["object"]["key"].replace("+", " ")
        client("s3").put_object(Bucket=environment["ORDERS_BUCKET"], Key=key, Body=message(file))


def put_predictions(environment: dict[str, str]) -> None:
    for name in ("async-success", "lambda-success"):
        (envelope,) = bodies(f"collect/{name}.json")
        location = json.loads(envelope["Message"])["responseParameters"]["outputLocation"]
        bucket, _, key = location.removeprefix("s3://").partition("/")
        assert bucket == environment["JOBS_BUCKET"]
        client("s3").put_object(Bucket=bucket, Key=key, Body=message("predictions.jsonl"))


def run_story(environment: dict[str, str]) -> list[Event]:
    """The whole story; the events that went out."""
    put_orders(environment)
    with requests_made() as made:
        for name in ("s3-put", "s3-eventbridge"):
            assert failed(run("intake", event(f"intake/{name}.json"))) == []
        put_predictions(environment)
        for name in ("async-success", "async-failure"):
            assert failed(run("collect", event(f"collect/{name}.json"))) == []
        for name in ("csv-file", "json-file"):
            assert failed(run("orders", event(f"orders/{name}.json"))) == []
        for _ in range(2):  # the stream delivers the new verdicts, too, and only then is a consignment complete
            run("reconcile", event("reconcile/stream-lines.json"))
    return published(made)


@dataclass(frozen=True)
class Story:
    """What the whole story leaves behind."""

    events: list[Event]
    statuses: dict[Status, int]
    bins: dict[str, BinCount]
    verdicts: dict[tuple[str, str], str]
    report: dict[str, Any]


@pytest.fixture(scope="module")
def story() -> Story:
    """Runs once for all tests of the module; its stack is gone."""
    with pytest.MonkeyPatch.context() as patch, empty_stack(), functions_environment(patch) as environment:
        patch.setenv("MAX_ATTEMPTS", "1")
        forget_settings()
        events = run_story(environment)
        dependencies = wiring.dependencies()
        bins = DynamoBins(client("dynamodb"), environment["BINS_TABLE"]).read(["P-17-C", "P-18-A", "P-19-B"])
        verdicts = {(line.consignment_id, line.bin_id): str(line.verdict) for line in dependencies.orders.all()}
        return Story(events, dependencies.ledger.statuses(), bins, verdicts, order_report(environment))


def order_report(environment: dict[str, str]) -> dict[str, Any]:
    (stored,) = objects_in_bucket(json.dumps(bodies("orders/csv-file.json")[0]), environment["ORDERS_BUCKET"])
    key = report_key(stored.key, stored.sequencer)
    report: dict[str, Any] = json.loads(
        client("s3").get_object(Bucket=environment["JOBS_BUCKET"], Key=key)["Body"].read()
    )
    return report


@pytest.fixture
def story_events(on_aws: dict[str, str], tried_once: None) -> list[Event]:
    """A stack on which the story has happened; the events that went out."""
    return run_story(on_aws)


# ---- The story


def test_the_images_become_the_manifest(on_aws: dict[str, str]) -> None:
    run("intake", event("intake/s3-put.json"))

    (body,) = bodies("collect/async-success.json")
    job_id = json.loads(body["Message"])["inferenceId"]
    held = client("s3").get_object(Bucket=on_aws["JOBS_BUCKET"], Key=f"jobs/{job_id}/input/manifest.jsonl")
    assert held["Body"].read() == message("manifest.jsonl")


def test_the_predictions_answer_the_manifest() -> None:
    asked = [json.loads(line)["image_id"] for line in message("manifest.jsonl").splitlines()]
    answered = [json.loads(line)["image_id"] for line in message("predictions.jsonl").splitlines()]

    assert answered == asked


def test_every_image_ends_in_the_ledger(story: Story) -> None:
    assert story.statuses == {Status.COUNTED: 1, Status.REJECTED: 1, Status.FAILED: 1}


def test_the_bins_say_what_is_in_them(story: Story) -> None:
    bins = story.bins

    assert (bins["P-17-C"].count, bins["P-17-C"].confidence) == (3, 0.9963)
    assert bins["P-17-C"].image.key == "P-17-C/photo 1é.jpg"
    assert bins["P-18-A"].image.key == "P-18-A/photo + 2.jpg"
    assert bins["P-18-A"].status is bins["P-19-B"].status is BinStatus.UNREADABLE


def test_the_lines_have_their_verdicts(story: Story) -> None:
    assert story.verdicts == {
        ("C-1001", "P-17-C"): "SHORT",
        ("C-1001", "P-18-A"): "UNREADABLE",
        ("C-1001", "P-19-B"): "UNREADABLE",
        ("C-1002", "P-17-C"): "PENDING",
        ("C-1003", "P-20-A"): "PENDING",
    }


def test_the_bins_stream_judges_every_order_of_a_bin(story_events: object) -> None:
    assert run("reconcile", event("reconcile/stream-bins.json")) == {"lines": 3, "verdicts": {"MATCH": 1}}


def test_a_direct_request_is_answered(story_events: object) -> None:
    assert run("reconcile", event("reconcile/request.json")) == {"lines": 3, "verdicts": {}}


def test_a_request_alone_judges_the_consignment(on_aws: dict[str, str]) -> None:
    put_orders(on_aws)
    run("orders", event("orders/csv-file.json"))

    answer = run("reconcile", event("reconcile/request.json"))

    assert answer == {"lines": 3, "verdicts": {"MISSING": 2}}


def test_reports_are_in_the_jobs_bucket(story: Story) -> None:
    report = story.report

    assert (report["key"], report["accepted"], report["refused"]) == ("2026-05-04/delivery 17.csv", 3, [])


def test_the_same_story_twice_announces_nothing_new(story_events: list[Event], on_aws: dict[str, str]) -> None:
    again = run_story(on_aws)

    assert {kind for kind, _ in again} == {"ConsignmentReconciled"}  # the stream reports its verdicts once more
    assert all(each in story_events for each in again)


@pytest.mark.parametrize("kind", KINDS)
def test_the_examples_of_events_are_those_of_the_story(story: Story, kind: str) -> None:
    example = event(f"out/{kind}.json")

    assert (kind, example["detail"]) in story.events
    schema(kind).validate(example["detail"])


def test_every_event_that_goes_out_matches_its_schema(story: Story) -> None:
    assert sorted({kind for kind, _ in story.events}) == OUT == KINDS
    for kind, detail in story.events:
        schema(kind).validate(detail)


# ---- With transform jobs


@pytest.fixture
def batch(on_aws: dict[str, str], setting: Callable[[str, str], None]) -> dict[str, str]:
    """The photos of both intake events are in transform jobs, and the first has written its output."""
    setting("INFERENCE_MODE", "batch")
    for name in ("s3-put", "s3-eventbridge"):
        run("intake", event(f"intake/{name}.json"))
        run("submit", event("submit/schedule.json"))
    (body,) = bodies("collect/transform-completed.json")
    bucket, _, folder = body["detail"]["TransformOutput"]["S3OutputPath"].removeprefix("s3://").partition("/")
    assert bucket == on_aws["JOBS_BUCKET"]
    client("s3").put_object(Bucket=bucket, Key=f"{folder}00000.jsonl.out", Body=message("predictions.jsonl"))
    return on_aws


def test_a_completed_transform_job_completes_its_images(batch: dict[str, str]) -> None:
    assert failed(run("collect", event("collect/transform-completed.json"))) == []

    assert wiring.dependencies().ledger.statuses() == {Status.COUNTED: 1, Status.REJECTED: 1, Status.SUBMITTED: 1}


@pytest.mark.parametrize("name", ["failed", "stopped"])
def test_a_failed_transform_job_releases_its_images(batch: dict[str, str], name: str) -> None:
    assert failed(run("collect", event(f"collect/transform-{name}.json"))) == []

    assert wiring.dependencies().ledger.statuses() == {Status.SUBMITTED: 2, Status.RECEIVED: 1}


def test_a_transform_job_without_capacity_is_submitted_again(batch: dict[str, str]) -> None:
    (body,) = bodies("collect/transform-capacity.json")
    job_id = body["detail"]["TransformJobName"].removesuffix("-0")

    for _ in range(3):  # "The same event may come several times."
        assert failed(run("collect", event("collect/transform-capacity.json"))) == []

    job = wiring.dependencies().jobs.read([job_id])[job_id]
    assert (job.status, job.transform_attempt) == (JobStatus.OPEN, 1)
    assert wiring.dependencies().ledger.statuses() == {Status.SUBMITTED: 3}


# ---- With the model function


@pytest.fixture
def invoked(on_aws: dict[str, str], setting: Callable[[str, str], None]) -> Sequence[dict[str, Any]]:
    """The photos of both intake events are in invocations, and the first has written its output. The requests."""
    setting("INFERENCE_MODE", "lambda")
    with requests_made() as made:
        for name in ("s3-put", "s3-eventbridge"):
            run("intake", event(f"intake/{name}.json"))
    put_predictions(on_aws)
    return [params for service, _, params in made if service == "lambda"]


def test_the_model_function_gets_the_event_of_the_sample(invoked: Sequence[dict[str, Any]]) -> None:
    assert json.loads(invoked[0]["Payload"]) == event("model/manifest.json")
    assert {(each["FunctionName"], each["InvocationType"]) for each in invoked} == {("bintally-model", "Event")}


def test_a_finished_invocation_completes_its_images(invoked: object) -> None:
    for _ in range(2):  # Lambda may run an event twice
        assert failed(run("collect", event("collect/lambda-success.json"))) == []

    assert wiring.dependencies().ledger.statuses() == {Status.COUNTED: 1, Status.REJECTED: 1, Status.SUBMITTED: 1}


def test_a_failed_invocation_releases_its_images(invoked: object) -> None:
    assert failed(run("collect", event("collect/lambda-failure.json"))) == []

    (job_id,) = [job.job_id for job in wiring.dependencies().jobs.all() if job.status is JobStatus.FAILED]
    job = wiring.dependencies().jobs.read([job_id])[job_id]
    assert "Task timed out after 900.00 seconds" in job.reason
    assert wiring.dependencies().ledger.statuses()[Status.RECEIVED] == 1


# ---- Each file alone


@pytest.mark.parametrize("path", FUNCTION_EVENTS, ids=str)
def test_a_function_accepts_its_sample_event(
    path: Any, on_aws: dict[str, str], setting: Callable[[str, str], None]
) -> None:
    put_orders(on_aws)
    put_predictions(on_aws)
    setting("INFERENCE_MODE", MODES.get(path.name.partition("-")[0], "async"))
    for name in ("s3-put", "s3-eventbridge"):
        run("intake", event(f"intake/{name}.json"))
        run("submit", event("submit/schedule.json"))

    answer = run(path.parent.name, event(str(path)))

    assert answer.get("batchItemFailures", []) == []


def test_these_are_all_the_files() -> None:
    found = {str(path.relative_to(EVENTS)) for path in EVENTS.rglob("*") if path.is_file()}

    messages = {f"messages/{name}" for name in ("manifest.jsonl", "predictions.jsonl", "orders.csv", "orders.json")}
    examples = {f"{folder}/{kind}.json" for folder in ("out", "schemas") for kind in KINDS}
    others = {"README.md", "model/manifest.json"}  # tests/unit/model_code/test_function.py runs the model function
    assert found == {str(path) for path in FUNCTION_EVENTS} | messages | examples | others


def test_the_readme_lists_every_file() -> None:
    text = (EVENTS / "README.md").read_text()

    assert [str(path) for path in FUNCTION_EVENTS if f"`{path}`" not in text] == []


@pytest.mark.parametrize("path", [path for path in FUNCTION_EVENTS if path.parent.name in QUEUES], ids=str)
def test_a_message_has_the_form_of_sqs(path: Any) -> None:
    for record in event(str(path))["Records"]:
        assert set(record) == {
            "messageId",
            "receiptHandle",
            "body",
            "attributes",
            "messageAttributes",
            "md5OfBody",
            "eventSource",
            "eventSourceARN",
            "awsRegion",
        }
        assert record["md5OfBody"] == hashlib.md5(record["body"].encode()).hexdigest()  # noqa: S324
        assert record["eventSourceARN"].endswith(f":bintally-{QUEUES[path.parent.name]}")


@pytest.mark.parametrize(("name", "table"), [("bins", "BinsTable"), ("lines", "ConsignmentsTable")])
def test_a_stream_record_matches_the_view_of_its_table(name: str, table: str) -> None:
    view = stack().resources[table]["Properties"]["StreamSpecification"]["StreamViewType"]
    images = {"KEYS_ONLY": set(), "NEW_AND_OLD_IMAGES": {"NewImage", "OldImage"}}[view]

    records = event(f"reconcile/stream-{name}.json")["Records"]

    assert {record["dynamodb"]["StreamViewType"] for record in records} == {view}
    assert {key for record in records for key in record["dynamodb"] if key.endswith("Image")} == images
    assert all(f":table/{stack().outputs[table]}/stream/" in record["eventSourceARN"] for record in records)


def test_the_events_are_those_of_the_local_stack() -> None:
    text = "".join((EVENTS / path).read_text() for path in FUNCTION_EVENTS)

    for name in ("IntakeBucket", "OrdersBucket", "JobsBucket", "SuccessTopic", "ErrorTopic", "EndpointName"):
        assert stack().outputs[name] in text, name
