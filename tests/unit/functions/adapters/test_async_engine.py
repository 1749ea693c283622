from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from bintally.adapters.async_engine import MAX_REASON, AsyncEngine
from bintally.adapters.job_files import JobFiles
from bintally.domain.errors import EngineUnavailableError, InvalidEventError, StoreError
from bintally.domain.jobs import JobResult, JobStatus
from bintally.domain.manifest import build_manifest
from botocore.exceptions import EndpointConnectionError

from tests.unit.functions.adapters.stubs import StubClient, client_error, refusing
from tests.unit.functions.aws import client, table
from tests.unit.functions.examples import make_images, prediction
from tests.unit.functions.usecases.runs import first_job_of

IMAGES = make_images(2)
IDS = sorted(image.image_id for image in IMAGES)
JOB = first_job_of(IMAGES)
BUCKET = table("JobsBucket")
SENT = replace(
    JOB,
    status=JobStatus.SENT,
    output_location=f"s3://{BUCKET}/async/output/1.out",
    failure_location=f"s3://{BUCKET}/async/failure/1-error.out",
)


def engine(runtime: object = None) -> AsyncEngine:
    return AsyncEngine(JobFiles(client("s3"), BUCKET), runtime, endpoint="bintally-counter")


def put(key: str, body: bytes) -> None:
    client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)


def test_a_manifest_is_at_the_jobs_location(aws: None) -> None:
    engine().prepare(JOB, [IMAGES])

    held = client("s3").get_object(Bucket=BUCKET, Key=JOB.manifests[0])
    assert held["Body"].read().decode() == build_manifest(IMAGES)
    assert held["ContentType"] == "application/jsonlines"


def test_a_request_has_manifest_job_and_content_types() -> None:
    runtime = StubClient(
        "sagemaker-runtime", invoke_endpoint_async=lambda **_: {"OutputLocation": "s3://o", "FailureLocation": "s3://f"}
    )

    receipt = engine(runtime).submit(JOB)

    assert receipt == {"output_location": "s3://o", "failure_location": "s3://f"}
    assert runtime.of("invoke_endpoint_async") == [
        {
            "EndpointName": "bintally-counter",
            "InputLocation": f"s3://{BUCKET}/{JOB.manifests[0]}",
            "InferenceId": JOB.job_id,
            "ContentType": "application/jsonlines",
            "Accept": "application/jsonlines",
        }
    ]


def test_a_request_is_valid_for_sagemaker(aws: None) -> None:
    assert set(engine(client("sagemaker-runtime")).submit(JOB)) == {"output_location", "failure_location"}


@pytest.mark.parametrize(
    "error",
    [
        client_error("ThrottlingException", "InvokeEndpointAsync"),
        client_error("ServiceUnavailable", "InvokeEndpointAsync"),
        client_error("ValidationError", "InvokeEndpointAsync"),
        EndpointConnectionError(endpoint_url="https://runtime.sagemaker"),
    ],
)
def test_an_engine_may_accept_a_rejected_job_later(error: Exception) -> None:
    with pytest.raises(EngineUnavailableError, match=f"bintally-counter did not accept {JOB.job_id}") as raised:
        engine(StubClient("sagemaker-runtime", invoke_endpoint_async=refusing(error))).submit(JOB)

    assert raised.value.__cause__ is error


# ---- What came of a request, without a notification


def test_a_request_without_output_may_be_running(aws: None) -> None:
    assert not engine().supports_polling
    assert engine().poll(SENT) is None
    assert engine().poll(replace(SENT, failure_location="")) is None


def polled() -> JobResult:
    """The engine's result of a request that ended just now."""
    result = engine().poll(SENT)
    assert result is not None
    ended = datetime.fromisoformat(result.ended_at)
    assert abs(datetime.now(UTC) - ended) < timedelta(minutes=1)
    return replace(result, ended_at="")


def test_an_output_is_a_result(aws: None) -> None:
    put("async/output/1.out", b"")

    assert polled() == JobResult(JOB.job_id, SENT.output_location)


def test_an_output_takes_precedence_over_a_failure(aws: None) -> None:
    put("async/output/1.out", b"{}")
    put("async/failure/1-error.out", b"Late.")

    assert polled() == JobResult(JOB.job_id, SENT.output_location)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"Received server error (500).", "Received server error (500)."),
        (b"", "The request failed without a reason."),
        (b"\xff", "\ufffd"),
        (b"x" * 5000, "x" * MAX_REASON),
    ],
)
def test_a_failure_reason_is_truncated(aws: None, body: bytes, reason: str) -> None:
    put("async/failure/1-error.out", body)

    assert polled() == JobResult(JOB.job_id, None, reason)


@pytest.mark.parametrize(
    "job",
    [
        replace(SENT, output_location="s3://elsewhere/async/output/1.out"),
        replace(SENT, output_location=f"s3://{BUCKET}/orders/reports/1.out"),
        replace(SENT, failure_location=f"s3://{BUCKET}/async/output/1.out"),
        replace(SENT, output_location=""),
    ],
)
def test_a_location_outside_the_engines_folder_is_refused(aws: None, job: object) -> None:
    with pytest.raises(InvalidEventError):
        engine().poll(job)  # type: ignore[arg-type]


# ---- Answers


def test_a_missing_output_has_no_results(aws: None) -> None:
    engine().prepare(JOB, [IMAGES])

    assert list(engine().results(JOB, f"s3://{BUCKET}/async/output/none.out")) == [(IDS, {})]


def test_a_missing_manifest_has_no_images(aws: None) -> None:
    put("async/output/1.out", json.dumps(prediction(IMAGES[0])).encode())

    ((image_ids, answers),) = engine().results(JOB, SENT.output_location)

    assert image_ids == []
    assert list(answers) == [IMAGES[0].image_id]


def test_a_missing_bucket_is_an_error(aws: None) -> None:
    elsewhere = AsyncEngine(JobFiles(client("s3"), "elsewhere-0"), None, endpoint="x")

    with pytest.raises(StoreError, match=f"Writing the manifest {JOB.manifests[0]}"):
        elsewhere.prepare(JOB, [IMAGES])
    with pytest.raises(StoreError, match="Reading s3://elsewhere-0/"):
        list(elsewhere.results(JOB, None))


def test_bytes_that_are_not_text_give_no_results(aws: None) -> None:
    engine().prepare(JOB, [IMAGES])
    put("async/output/1.out", b"\xff\xfe\x00garbage\n")

    assert list(engine().results(JOB, SENT.output_location)) == [(IDS, {})]
