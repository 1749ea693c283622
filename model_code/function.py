"""The model as an AWS Lambda function: one asynchronous invocation counts the photos of one manifest.

The event names the job, its manifest and its output:

    {"job_id": "...", "input_location": "s3://BUCKET/KEY", "output_location": "s3://BUCKET/KEY"}

The function writes the output and publishes SageMaker's notification of a finished request to SUCCESS_TOPIC. It raises
if it can't write the output: Lambda then tells the function's on-failure destination. Safe to repeat, also at the same
time: the same event gives the same output.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from binmodel.artifact import shipped
from binmodel.fetch import allowed_buckets, read_object, s3_client, sns_client
from binmodel.images import Limits
from binmodel.invocation import JSON_LINES, READERS, count_manifest, json_lines
from binmodel.predict import Predictor
from binmodel.stream import Line

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = logging.getLogger("model")


@dataclass(frozen=True)
class Job:
    """What one event asks for. `source` and `target` are (bucket, key) of the manifest and the output."""

    job_id: str
    source: tuple[str, str]
    target: tuple[str, str]


@dataclass(frozen=True)
class Engine:
    """Counts manifests that lie in S3. Photos are only read from `buckets`."""

    predictor: Predictor
    s3: S3Client
    sns: Any
    topic: str
    buckets: Collection[str]

    def run(self, job: Job) -> list[Line]:
        """The lines of the job's output, which is written and announced. Raises what S3 raises."""
        bucket, key = job.source
        manifest = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        lines = self.count(manifest)
        bucket, key = job.target
        self.s3.put_object(Bucket=bucket, Key=key, Body=json_lines(lines).encode(), ContentType=JSON_LINES)
        self.announce(job)
        return lines

    def count(self, manifest: bytes) -> list[Line]:
        """One prediction line for each line of the manifest, in order."""
        limits = Limits()
        return count_manifest(
            self.predictor, manifest, lambda entry: read_object(self.s3, entry, limits, self.buckets), limits
        )

    def announce(self, job: Job) -> None:
        """Publish that the job is done. An error is logged only: the sweep finds outputs that nobody announced."""
        try:
            self.sns.publish(TopicArn=self.topic, Message=json.dumps(completed(job)))
        except Exception:
            log.exception("%s is done, but could not be announced", job.job_id)


def handler(event: Mapping[str, Any], _context: object = None) -> dict[str, Any]:
    """Count the manifest of an event. Raises ValueError for an event that is not a job, and what S3 raises."""
    started, job = time.monotonic(), parse(event)
    lines = engine().run(job)
    errors, seconds = sum("error" in line for line in lines), round(time.monotonic() - started, 3)
    facts = {"event": "manifest", "job_id": job.job_id, "images": len(lines), "errors": errors, "seconds": seconds}
    log.info(json.dumps(facts))
    return facts


def parse(event: Mapping[str, Any]) -> Job:
    """Raises ValueError unless the event names a job, a manifest and an output."""
    try:
        return Job(str(event["job_id"]), split(event["input_location"]), split(event["output_location"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"The event is not a job: {error!r}. See events/model/manifest.json.") from error


def split(location: str) -> tuple[str, str]:
    """The bucket and the key of `s3://BUCKET/KEY`."""
    bucket, _, key = location.removeprefix("s3://").partition("/")
    if not (location.startswith("s3://") and bucket and key):
        raise ValueError(f"{location!r} is not s3://BUCKET/KEY.")
    return bucket, key


def completed(job: Job) -> dict[str, Any]:
    """What SageMaker publishes about an asynchronous request that succeeded, as far as it applies."""
    bucket, key = job.target
    return {
        "eventVersion": "1.0",
        "eventSource": "bintally:model",
        "eventName": "InferenceResult",
        "invocationStatus": "Completed",
        "inferenceId": job.job_id,
        "responseParameters": {"contentType": JSON_LINES, "outputLocation": f"s3://{bucket}/{key}"},
    }


@cache
def engine() -> Engine:
    """Built on the first event and kept for the next ones."""
    buckets = allowed_buckets(os.environ)
    return Engine(Predictor.load(shipped()), s3_client(READERS), sns_client(), os.environ["SUCCESS_TOPIC"], buckets)
