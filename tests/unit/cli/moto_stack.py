"""A stack in moto, with what the commands for its operator need."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bincli.deployment import Deployment
from bintally.adapters.bins import DynamoBins
from bintally.adapters.jobs import DynamoJobs
from bintally.adapters.ledger import DynamoLedger
from bintally.domain.bins import BinCount, BinStatus
from bintally.domain.image import Image, Status
from bintally.domain.jobs import Job, JobStatus, job_of
from bintally.domain.manifest import Prediction
from bintally.domain.objects import padded_sequencer
from bintally.domain.transitions import Completion
from moto import mock_aws

from tests.unit.functions.aws import client

NAME = "test"
NOW = "2026-05-04T12:00:00.000Z"
TABLES = {
    "ImagesTable": ["image_id"],
    "BinsTable": ["bin_id"],
    "JobsTable": ["job_id"],
    "DecisionsTable": ["bin_id", "decision_id"],
    "ConsignmentsTable": ["consignment_id", "bin_id"],
}
BUCKETS = ("IntakeBucket", "OrdersBucket", "JobsBucket")
QUEUES = ("Intake", "Results", "Orders")


def create() -> dict[str, str]:
    """Create the part of template.yaml that these commands use; returns the outputs."""
    outputs = {"SubmitFunction": "test-submit", "ReconcileFunction": "test-reconcile"}
    for name, keys in TABLES.items():
        client("dynamodb").create_table(**table(f"test-{name}", keys))
        outputs[name] = f"test-{name}"
    for name in BUCKETS:
        outputs[name] = f"test-{name.lower()}"
        client("s3").create_bucket(Bucket=outputs[name])
        client("s3").put_bucket_versioning(Bucket=outputs[name], VersioningConfiguration={"Status": "Enabled"})
    for name in QUEUES:
        dead = client("sqs").create_queue(QueueName=f"test-{name}DeadLetters")["QueueUrl"]
        facts = client("sqs").get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]
        policy = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": facts["QueueArn"], "maxReceiveCount": 5})}
        created = client("sqs").create_queue(QueueName=f"test-{name}Queue", Attributes=policy)
        outputs[f"{name}Queue"] = created["QueueUrl"]
    outputs["ReconcileDeadLetters"] = client("sqs").create_queue(QueueName="test-ReconcileDeadLetters")["QueueUrl"]
    return outputs


def table(name: str, keys: Sequence[str]) -> dict[str, Any]:
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in keys],
        "KeySchema": [
            {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
    }


class ImpatientSqs:
    """SQS that never waits for messages, and crashes before its call number `dies`, if that is given."""

    def __init__(self, sqs: Any, dies: int = 0) -> None:
        self._sqs = sqs
        self._left = dies

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            self._left -= 1
            if self._left == 0:
                raise CrashError(operation)
            if operation == "receive_message":
                request["WaitTimeSeconds"] = 0
            return getattr(self._sqs, operation)(**request)

        return call


class CrashError(Exception):
    """The command crashes here."""


class FakeLambda:
    """Functions that have a setting and record the events that they are `invoked` with."""

    def __init__(self) -> None:
        self.invoked: list[Any] = []
        self.failing = False

    def get_function_configuration(self, **request: Any) -> dict[str, Any]:
        return {"Environment": {"Variables": {"JOB_TIMEOUT": "7200"}}}

    def invoke(self, **request: Any) -> dict[str, Any]:
        self.invoked.append(json.loads(request["Payload"]))
        failure = {"FunctionError": "Unhandled"} if self.failing else {}
        return {"Payload": io.BytesIO(b'{"lines": 1}'), **failure}


class MotoStack:
    """A stack, and what a test does to it in place of its functions."""

    def __init__(self) -> None:
        self.functions = FakeLambda()
        self._clients: dict[str, Any] = {"lambda": self.functions, "sqs": ImpatientSqs(client("sqs"))}
        self.deployment = Deployment(NAME, create(), self.client)
        dynamo = self.client("dynamodb")
        self.ledger = DynamoLedger(dynamo, self.output("ImagesTable"))
        self.jobs = DynamoJobs(dynamo, self.output("JobsTable"))
        self.bins = DynamoBins(dynamo, self.output("BinsTable"))

    def client(self, service: str) -> Any:
        return self._clients.get(service) or client(service)

    def output(self, name: str) -> str:
        return self.deployment.output(name)

    def dead_letters(self, name: str) -> str:
        """The URL of a dead-letter queue."""
        (url,) = self.client("sqs").list_queues(QueueNamePrefix=f"{NAME}-{name}DeadLetters")["QueueUrls"]
        return str(url)

    def dying(self, calls: int) -> Deployment:
        """The deployment for a command that crashes before so many calls of SQS."""
        dying = {"sqs": ImpatientSqs(client("sqs"), calls)}
        return Deployment(NAME, self.deployment.outputs, lambda service: dying.get(service) or self.client(service))

    def upload(self, key: str, body: bytes = b"photo") -> Image:
        """Upload an image, which S3 does not announce."""
        bucket = self.output("IntakeBucket")
        version = self.client("s3").put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]
        return Image(bucket, key, version, padded_sequencer("AB"), NOW, key.split("/")[0])

    def submitted(
        self, *keys: str, status: JobStatus = JobStatus.SENT, created_at: str = NOW
    ) -> tuple[Job, list[Image]]:
        """Images held by a job in that status."""
        images = [self.upload(key) for key in keys]
        job = job_of((image.image_id, 0) for image in images)
        self.jobs.create(job, created_at)
        self.ledger.register(images, job.job_id, created_at)
        if status is not JobStatus.PREPARED:
            self.jobs.open(job, created_at)
        if status is JobStatus.SENT:
            self.jobs.mark_sent(job, {"output_location": "s3://output", "failure_location": "s3://failure"}, created_at)
        elif status in (JobStatus.DONE, JobStatus.FAILED):
            self.jobs.close(job.job_id, status, "", created_at)
        return job, images

    def finished(self, *keys: str, status: Status = Status.COUNTED, in_bins: bool = True) -> list[Image]:
        """Images with a result from their job, which is DONE."""
        job, images = self.submitted(*keys)
        self.finish_job(job, images, status=status, in_bins=in_bins)
        return images

    def finish_job(
        self, job: Job, images: list[Image], *, status: Status = Status.COUNTED, in_bins: bool = True
    ) -> None:
        """What collect does with the results of a job."""
        answer = Prediction(2, 0.9, {2: 1.0}, "m") if status is Status.COUNTED else None
        if in_bins and answer:
            self.bins.record([BinCount(image, BinStatus.COUNTED, 2, 0.9, {2: 1.0}, "m") for image in images], NOW)
        reason = "" if status is Status.COUNTED else "It broke."
        self.ledger.complete([Completion(image.image_id, status, reason, answer) for image in images], job.job_id, NOW)
        self.jobs.close(job.job_id, JobStatus.DONE, "", NOW)

    def send(self, url: str, bodies: Iterable[str], **attributes: str) -> None:
        texts = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        for body in bodies:
            self.client("sqs").send_message(QueueUrl=url, MessageBody=body, MessageAttributes=texts)

    def bodies(self, url: str) -> list[str]:
        """Receive everything in a queue."""
        found: list[str] = []
        while messages := self.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [message["Body"] for message in messages]
        return sorted(found)


def announcement(image: Image) -> str:
    """S3's message about an image."""
    stored = {"key": image.key, "versionId": image.version_id, "sequencer": "AB"}
    place = {"bucket": {"name": image.bucket}, "object": stored}
    return json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "eventTime": image.captured_at, "s3": place}]})


@contextmanager
def operated() -> Iterator[MotoStack]:
    with mock_aws():
        yield MotoStack()
