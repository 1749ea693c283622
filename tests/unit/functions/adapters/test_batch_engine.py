from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from bintally.adapters.batch_engine import BatchEngine
from bintally.adapters.job_files import JobFiles
from bintally.domain.errors import EngineUnavailableError, InvalidEventError, QuotaExceededError, StoreError
from bintally.domain.jobs import EngineName, JobResult, job_of
from bintally.domain.policy import ATTEMPTS_PER_TYPE, lacks_capacity
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.validate import ParamValidator

from tests.unit.functions.adapters.stubs import StubClient, client_error, refusing
from tests.unit.functions.aws import client, table
from tests.unit.functions.examples import make_images, prediction

BUCKET = table("JobsBucket")
IMAGES = make_images(5)
SHARDS = [IMAGES[:2], IMAGES[2:4], IMAGES[4:]]
JOB = job_of([(image.image_id, 0) for image in IMAGES], EngineName.BATCH, len(SHARDS))
OUTPUT = f"s3://{BUCKET}/jobs/{JOB.job_id}/output/"
TYPES = ("ml.c6i.xlarge", "ml.m5.xlarge")


def engine(sagemaker: object = None, instances: int = 2) -> BatchEngine:
    files = JobFiles(client("s3"), BUCKET)
    return BatchEngine(files, sagemaker, model="bintally-counter", instance_types=TYPES, instances=instances)


def taking() -> StubClient:
    return StubClient("sagemaker", create_transform_job=lambda **_: {"TransformJobArn": "arn"})


def asked_for(job: Any = JOB, **options: Any) -> dict[str, Any]:
    """The request for a transform job."""
    stub = taking()
    engine(stub, **options).submit(job)
    (request,) = stub.of("create_transform_job")
    return request


# ---- The request


def test_a_request_names_manifests_model_and_output() -> None:
    assert asked_for() == {
        "TransformJobName": f"{JOB.job_id}-0",
        "ModelName": "bintally-counter",
        "TransformInput": {
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/jobs/{JOB.job_id}/input/"}
            },
            "ContentType": "application/jsonlines",
            "SplitType": "None",
            "CompressionType": "None",
        },
        "TransformOutput": {"S3OutputPath": OUTPUT, "Accept": "application/jsonlines", "AssembleWith": "None"},
        "TransformResources": {"InstanceType": "ml.c6i.xlarge", "InstanceCount": 2},
        "MaxConcurrentTransforms": 2,
        "MaxPayloadInMB": 6,
        "BatchStrategy": "SingleRecord",
        "ModelClientConfig": {"InvocationsTimeoutInSeconds": 3600, "InvocationsMaxRetries": 1},
    }


@pytest.mark.parametrize("transform_attempt", [0, 5, 999_999])
def test_a_request_is_valid_for_the_service_model(transform_attempt: int) -> None:
    shape = client("sagemaker").meta.service_model.operation_model("CreateTransformJob").input_shape

    request = asked_for(replace(JOB, transform_attempt=transform_attempt))

    assert ParamValidator().validate(request, shape).generate_report() == ""
    assert set(request) <= set(shape.members)
    resources = shape.members["TransformResources"].members["InstanceType"]
    assert request["TransformResources"]["InstanceType"] in resources.enum
    assert request["BatchStrategy"] in shape.members["BatchStrategy"].enum
    assert request["MaxConcurrentTransforms"] * request["MaxPayloadInMB"] <= 100


def test_a_request_is_valid_for_moto(aws: None) -> None:
    receipt = engine(client("sagemaker")).submit(JOB)

    held = client("sagemaker").describe_transform_job(TransformJobName=f"{JOB.job_id}-0")
    assert receipt == {"output_location": held["TransformOutput"]["S3OutputPath"]} == {"output_location": OUTPUT}


@pytest.mark.parametrize(("shards", "most", "instances"), [(1, 2, 1), (2, 2, 2), (3, 2, 2), (3, 20, 3), (200, 20, 20)])
def test_no_more_instances_than_manifests(shards: int, most: int, instances: int) -> None:
    assert asked_for(replace(JOB, shards=shards), instances=most)["TransformResources"]["InstanceCount"] == instances


def test_each_attempt_has_a_new_name_and_the_next_instance_type() -> None:
    requests = [
        asked_for(replace(JOB, transform_attempt=transform_attempt))
        for transform_attempt in range(2 * ATTEMPTS_PER_TYPE + 1)
    ]

    assert [request["TransformJobName"] for request in requests] == [f"{JOB.job_id}-{n}" for n in range(len(requests))]
    types = [request["TransformResources"]["InstanceType"] for request in requests]
    assert types == [TYPES[0]] * ATTEMPTS_PER_TYPE + [TYPES[1]] * (ATTEMPTS_PER_TYPE + 1)


@pytest.mark.parametrize(
    ("code", "message"),
    [("ResourceInUse", "Name in use."), ("ValidationException", "Transform job batch-0 already exists.")],
)
def test_a_job_created_before_a_crash_is_accepted(code: str, message: str) -> None:
    error = ClientError({"Error": {"Code": code, "Message": message}}, "CreateTransformJob")
    stub = StubClient("sagemaker", create_transform_job=refusing(error))

    assert engine(stub).submit(JOB) == {"output_location": OUTPUT}


def test_creating_a_job_again_after_a_crash_is_not_an_error_on_moto(aws: None) -> None:
    first = engine(client("sagemaker")).submit(JOB)

    assert engine(client("sagemaker")).submit(JOB) == first


def test_a_quota_that_is_used_up_is_no_lack_of_capacity() -> None:
    limit = (
        "The account-level service limit 'ml.c6i.xlarge for transform job usage' is 0 Instances, with current"
        " utilization of 0 Instances and a request delta of 1 Instances."
    )
    error = ClientError({"Error": {"Code": "ResourceLimitExceeded", "Message": limit}}, "CreateTransformJob")

    with pytest.raises(QuotaExceededError) as raised:
        engine(StubClient("sagemaker", create_transform_job=refusing(error))).submit(JOB)

    assert raised.value.__cause__ is error
    assert not lacks_capacity(str(raised.value))
    assert limit in str(raised.value)


@pytest.mark.parametrize(
    "error",
    [
        client_error("ThrottlingException", "CreateTransformJob"),
        client_error("ServiceUnavailable", "CreateTransformJob"),
        client_error("ValidationException", "CreateTransformJob"),
        client_error("AccessDeniedException", "CreateTransformJob"),
        EndpointConnectionError(endpoint_url="https://api.sagemaker"),
    ],
)
def test_an_engine_may_accept_a_rejected_job_later(error: Exception) -> None:
    with pytest.raises(EngineUnavailableError, match=f"did not accept {JOB.job_id}") as raised:
        engine(StubClient("sagemaker", create_transform_job=refusing(error))).submit(JOB)

    assert raised.value.__cause__ is error
    assert not isinstance(raised.value, QuotaExceededError)


# ---- What came of it


def described(**facts: Any) -> tuple[StubClient, BatchEngine]:
    stub = StubClient("sagemaker", describe_transform_job=lambda **_: facts)
    return stub, engine(stub)


@pytest.mark.parametrize(
    ("facts", "failure"),
    [
        ({"TransformJobStatus": "Completed"}, ""),
        ({"TransformJobStatus": "Failed", "FailureReason": "CapacityError: None left."}, "CapacityError: None left."),
        ({"TransformJobStatus": "Failed"}, "The transform job failed."),
        ({"TransformJobStatus": "Stopped"}, "The transform job was stopped."),
    ],
)
def test_a_finished_transform_job_has_a_result(facts: dict[str, str], failure: str) -> None:
    stub, batch = described(**facts)

    assert batch.poll(replace(JOB, transform_attempt=4)) == JobResult(JOB.job_id, OUTPUT, failure, 4)
    assert stub.of("describe_transform_job") == [{"TransformJobName": f"{JOB.job_id}-4"}]


def test_a_finished_transform_job_has_an_end_time() -> None:
    ended = datetime(2026, 5, 4, 12, 30, tzinfo=timezone(timedelta(hours=2)))  # boto3 returns local times

    result = described(TransformJobStatus="Completed", TransformEndTime=ended)[1].poll(JOB)

    assert result is not None
    assert result.ended_at == "2026-05-04T10:30:00.000Z"


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
def test_a_running_transform_job_has_no_result(status: str) -> None:
    assert described(TransformJobStatus=status)[1].poll(JOB) is None
    assert engine().supports_polling


@pytest.mark.parametrize("code", ["ValidationException", "ResourceNotFound"])
def test_an_unknown_transform_job_has_failed(code: str) -> None:
    stub = StubClient("sagemaker", describe_transform_job=refusing(client_error(code, "DescribeTransformJob")))

    assert engine(stub).poll(JOB) == JobResult(JOB.job_id, OUTPUT, f"SageMaker does not know {JOB.job_id}-0.", 0)


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException", "InternalFailure"])
def test_an_unreachable_sagemaker_has_not_lost_the_job(code: str) -> None:
    stub = StubClient("sagemaker", describe_transform_job=refusing(client_error(code, "DescribeTransformJob")))

    with pytest.raises(StoreError, match=rf"Describing {JOB.job_id}-0: .*{code}"):
        engine(stub).poll(JOB)


def test_a_job_is_described_as_moto_describes_it(aws: None) -> None:
    batch = engine(client("sagemaker"))
    batch.submit(JOB)

    found = batch.poll(JOB)
    assert found is None or found.job_id == JOB.job_id
    unknown = batch.poll(replace(JOB, transform_attempt=1))
    assert unknown is not None
    assert unknown.failure_reason == f"SageMaker does not know {JOB.job_id}-1."


# ---- Answers


@pytest.fixture
def prepared(aws: None) -> BatchEngine:
    batch = engine()
    batch.prepare(JOB, SHARDS)
    return batch


@pytest.fixture
def answer(aws: None) -> Callable[[int], None]:
    """Puts the output of a shard where a transform job does: its manifest's name below the output path, and `.out`."""

    def put(number: int) -> None:
        body = "".join(f"{json.dumps(prediction(image))}\n" for image in SHARDS[number])
        name = JOB.manifests[number].removeprefix(JOB.folder)
        client("s3").put_object(Bucket=BUCKET, Key=f"jobs/{JOB.job_id}/output/{name}.out", Body=body)

    return put


def test_each_manifest_has_its_own_results(prepared: BatchEngine, answer: Callable[[int], None]) -> None:
    for number in range(len(SHARDS)):
        answer(number)

    found = list(prepared.results(JOB, OUTPUT))

    assert [image_ids for image_ids, _ in found] == [sorted(i.image_id for i in images) for images in SHARDS]
    assert [sorted(answers) for _, answers in found] == [image_ids for image_ids, _ in found]


def test_a_failed_shard_does_not_affect_the_others(prepared: BatchEngine, answer: Callable[[int], None]) -> None:
    answer(0)
    answer(2)

    assert [len(answers) for _, answers in prepared.results(JOB, OUTPUT)] == [2, 0, 1]


def test_without_an_output_the_manifests_list_the_images(prepared: BatchEngine) -> None:
    assert [(len(ids), answers) for ids, answers in prepared.results(JOB, None)] == [(2, {}), (2, {}), (1, {})]


@pytest.mark.parametrize(
    "location",
    [
        f"s3://{BUCKET}/jobs/batch-{'0' * 40}/output/",
        f"s3://{BUCKET}/jobs/{JOB.job_id}/input/",
        f"s3://{BUCKET}/async/output/",
        f"s3://elsewhere/jobs/{JOB.job_id}/output/",
    ],
)
def test_the_output_of_another_job_is_refused(prepared: BatchEngine, location: str) -> None:
    with pytest.raises(InvalidEventError):
        list(prepared.results(JOB, location))


def test_an_output_path_below_the_jobs_own_has_no_results_of_another(
    prepared: BatchEngine, answer: Callable[[int], None]
) -> None:
    answer(0)

    assert [answers for _, answers in prepared.results(JOB, f"{OUTPUT}elsewhere/")] == [{}, {}, {}]
