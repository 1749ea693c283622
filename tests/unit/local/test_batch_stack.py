"""Batch Transform, schedules and restarts on a real MiniStack, with a minimal model server."""

import json
import os
import signal
from pathlib import Path

import httpx
import pytest
from binlocal.environment import authorization
from binlocal.stack import running_stack

from tests.unit.local.sagemaker import standin
from tests.unit.local.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("batch_stack")]

TEMPLATE = Path(__file__).parent / "batch_stack" / "template.yaml"
SECONDS = 90.0


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("batch")
    settings = {"stack_name": "batch", "template": TEMPLATE, "container": standin.COMMAND, "schedule_seconds": 0.5}
    with running_stack(workdir=workdir, **settings) as running:
        yield running


def start_job(stack, name, **shards):
    s3, bucket = stack.client("s3"), stack.outputs["Bucket"]
    for shard, body in shards.items():
        s3.put_object(Bucket=bucket, Key=f"jobs/{name}/input/{shard}.jsonl", Body=body)
    stack.client("sagemaker").create_transform_job(
        TransformJobName=name,
        ModelName="batch-counter",
        TransformInput={
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/jobs/{name}/input/"},
            },
            "ContentType": "application/jsonlines",
            "SplitType": "None",
            "CompressionType": "None",
        },
        TransformOutput={
            "S3OutputPath": f"s3://{bucket}/jobs/{name}/output/",
            "Accept": "application/jsonlines",
            "AssembleWith": "None",
        },
        TransformResources={"InstanceType": "ml.c6i.xlarge", "InstanceCount": 2},
        MaxConcurrentTransforms=2,
        MaxPayloadInMB=6,
        BatchStrategy="SingleRecord",
        ModelClientConfig={"InvocationsTimeoutInSeconds": 3600, "InvocationsMaxRetries": 1},
    )


def events_about(stack, name, number=1):
    """The events about this job from the results queue, once there are `number`."""
    sqs, queue = stack.client("sqs"), stack.outputs["Results"]
    events_of_job = []

    def check():
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        for message in found:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        events = [json.loads(message["Body"]) for message in found]
        events_of_job.extend(event for event in events if event["detail"]["TransformJobName"] == name)
        return len(events_of_job) >= number

    eventually(check, f"{number} events about {name}", SECONDS)
    return events_of_job


def outputs(stack, name):
    s3, bucket, prefix = stack.client("s3"), stack.outputs["Bucket"], f"jobs/{name}/output/"
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]
    return {key.removeprefix(prefix): s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def test_a_job_reads_shards_writes_outputs_and_is_announced_through_the_rule(stack):
    start_job(stack, "whole", **{"00000": b"ab", "00001": b"environment SAGEMAKER_BATCH"})

    (event,) = events_about(stack, "whole")

    assert (event["source"], event["detail"]["TransformJobStatus"]) == ("aws.sagemaker", "Completed")
    assert outputs(stack, "whole") == {"00000.jsonl.out": b"ba", "00001.jsonl.out": b"true"}
    described = stack.client("sagemaker").describe_transform_job(TransformJobName="whole")
    assert described["TransformJobStatus"] == "Completed"
    assert described["CreationTime"] <= described["TransformStartTime"] <= described["TransformEndTime"]


def test_a_job_whose_shard_kills_the_model_server_fails_and_keeps_the_others(stack):
    start_job(stack, "half", **{"00000": b"die", "00001": b"ab"})

    (event,) = events_about(stack, "half")

    assert event["detail"]["TransformJobStatus"] == "Failed"
    assert event["detail"]["FailureReason"] == "AlgorithmError: See job logs for more information"
    assert outputs(stack, "half").keys() <= {"00001.jsonl.out"}


def test_a_state_change_can_be_announced_twice_with_times_in_milliseconds(stack):
    url = f"{stack.environment['AWS_ENDPOINT_URL_SAGEMAKER']}/_faults"
    key = authorization(stack.environment)
    httpx.put(url, json={"notifications": {"double": 1, "epoch_times": 1}}, headers=key, trust_env=False)

    start_job(stack, "doubled", **{"00000": b"ab"})

    first, second = events_about(stack, "doubled", 2)
    counts = httpx.put(url, json={}, headers=key, trust_env=False).json()["counts"]
    assert first["id"] != second["id"]
    assert isinstance(first["detail"]["CreationTime"], int)
    assert counts == {"notifications.double": 2, "notifications.epoch_times": 4}


def test_a_scheduled_function_is_invoked(stack):
    def check():
        return stack.client("dynamodb").scan(TableName=stack.outputs["Notes"], ConsistentRead=True)["Items"]

    event = json.loads(eventually(check, "a call", SECONDS)[0]["event"]["S"])

    assert (event["source"], event["detail-type"]) == ("aws.scheduler", "Scheduled Event")


def test_a_killed_local_sagemaker_is_restarted_with_its_state(stack):
    url = stack.environment["AWS_ENDPOINT_URL_SAGEMAKER"]
    start_job(stack, "interrupted", **{"00000": b"sleep 600"})
    key = authorization(stack.environment)
    before = httpx.get(f"{url}/_process", headers=key, trust_env=False).json()["pid"]

    os.kill(before, signal.SIGKILL)

    (event,) = events_about(stack, "interrupted")
    assert event["detail"]["TransformJobStatus"] == "Failed"
    assert "InternalServerError" in event["detail"]["FailureReason"]
    sagemaker = stack.client("sagemaker")
    eventually(
        lambda: sagemaker.describe_endpoint(EndpointName="batch-endpoint")["EndpointStatus"] == "InService",
        "the endpoint",
        SECONDS,
    )
    stack.check()
    start_job(stack, "after", **{"00000": b"ab"})
    assert events_about(stack, "after")[0]["detail"]["TransformJobStatus"] == "Completed"
