from __future__ import annotations

import pytest
from bintally.adapters.async_engine import AsyncEngine
from bintally.domain.errors import EngineUnavailableError, StoreError
from bintally.domain.jobs import job_of
from bintally.domain.manifest import manifest_of
from botocore.exceptions import EndpointConnectionError

from tests.unit.functions.adapters.stubs import StubClient, client_error, refusing
from tests.unit.functions.aws import client, table
from tests.unit.functions.examples import photographs

IMAGES = photographs(2)
JOB = job_of(image.image_id for image in IMAGES)


def engine(runtime: object = None) -> AsyncEngine:
    return AsyncEngine(client("s3"), runtime, bucket=table("JobsBucket"), endpoint="bintally-counter")


def test_a_manifest_lies_where_the_job_says(aws: None) -> None:
    engine().prepare(JOB, IMAGES)

    held = client("s3").get_object(Bucket=table("JobsBucket"), Key=JOB.manifest)
    assert held["Body"].read().decode() == manifest_of(IMAGES)
    assert held["ContentType"] == "application/jsonlines"


def test_a_request_names_manifest_job_and_forms() -> None:
    runtime = StubClient(
        "sagemaker-runtime", invoke_endpoint_async=lambda **_: {"OutputLocation": "s3://o", "FailureLocation": "s3://f"}
    )

    receipt = engine(runtime).submit(JOB)

    assert receipt == {"output": "s3://o", "failure": "s3://f"}
    assert runtime.of("invoke_endpoint_async") == [
        {
            "EndpointName": "bintally-counter",
            "InputLocation": f"s3://{table('JobsBucket')}/{JOB.manifest}",
            "InferenceId": JOB.job_id,
            "ContentType": "application/jsonlines",
            "Accept": "application/jsonlines",
        }
    ]


def test_a_request_is_one_that_sagemaker_takes(aws: None) -> None:
    assert set(engine(client("sagemaker-runtime")).submit(JOB)) == {"output", "failure"}


@pytest.mark.parametrize(
    "error",
    [
        client_error("ThrottlingException", "InvokeEndpointAsync"),
        client_error("ServiceUnavailable", "InvokeEndpointAsync"),
        client_error("ValidationError", "InvokeEndpointAsync"),
        EndpointConnectionError(endpoint_url="https://runtime.sagemaker"),
    ],
)
def test_an_engine_that_does_not_take_a_job_may_take_it_later(error: Exception) -> None:
    with pytest.raises(EngineUnavailableError, match=f"bintally-counter did not take {JOB.job_id}") as raised:
        engine(StubClient("sagemaker-runtime", invoke_endpoint_async=refusing(error))).submit(JOB)

    assert raised.value.__cause__ is error


def test_an_output_that_is_not_there_is_an_error_and_no_answer(aws: None) -> None:
    with pytest.raises(StoreError, match="Reading s3://bintally-jobs"):
        engine().output(f"s3://{table('JobsBucket')}/async/output/none.out")


def test_a_manifest_that_is_not_there_is_an_error(aws: None) -> None:
    with pytest.raises(StoreError, match="NoSuchKey"):
        engine().manifest(JOB)


def test_a_bucket_that_is_not_there_is_an_error(aws: None) -> None:
    with pytest.raises(StoreError, match=f"Writing the manifest of {JOB.job_id}"):
        AsyncEngine(client("s3"), None, bucket="elsewhere-0", endpoint="x").prepare(JOB, IMAGES)


def test_bytes_that_are_no_text_are_no_answers(aws: None) -> None:
    client("s3").put_object(Bucket=table("JobsBucket"), Key="async/output/x.out", Body=b"\xff\xfe\x00garbage\n")

    assert engine().output(f"s3://{table('JobsBucket')}/async/output/x.out") == {}
