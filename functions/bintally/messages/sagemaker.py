"""The engines' notifications: results of asynchronous requests (through SNS) and state changes of transform jobs.

Formats: https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html. The model function announces
its outputs as SageMaker does. Its failures are announced by Lambda, with an invocation record:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from bintally.domain.errors import FormerModelError, InvalidEventError
from bintally.domain.jobs import JobResult
from bintally.domain.transforms import result_of
from bintally.messages.sqs import Message, parse_body

TRANSFORM = "SageMaker Transform Job State Change"
MAX_REASON = 500  # characters. Longer failures are cut


@dataclass(frozen=True)
class Announcement:
    """A notification: the SNS topic that it came through, or the model of the transform job, and what it says.

    `result` is None for SageMaker's test notification and for a transform job that is still running.
    """

    result: JobResult | None
    topic: str | None = None
    model: str | None = None


def job_result(body: str, topics: Collection[str], model: str, base: str) -> JobResult | None:
    """The result that a message announces, if it came through one of `topics` or is about `model`.

    None if the message announces no result. Raises InvalidEventError for a message that is not ours, and its subclass
    FormerModelError for one about another version of our model: `base`, the name without a version, and a suffix.
    """
    announcement = parse_announcement(body)
    if announcement.model is not None and announcement.model != model:
        if re.fullmatch(f"{re.escape(base)}[a-zA-Z0-9]{{0,16}}", announcement.model):  # as ModelVersion allows
            raise FormerModelError(f"The transform job uses the model {announcement.model}, not {model}.")
        raise InvalidEventError(f"The transform job uses the model {announcement.model}; expected {model}.")
    if announcement.model is None and announcement.topic not in topics:
        raise InvalidEventError(f"The notification came through {announcement.topic}, which is not one of our topics.")
    return announcement.result


def parse_announcement(body: str) -> Announcement:
    """What a message announces, whoever sent it. Raises InvalidEventError for one that is not from SageMaker."""
    message = parse_body(body)
    try:
        return _of_transform_job(message) if "detail-type" in message else _of_request(message)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidEventError(f"Not a SageMaker notification: {error!r}") from error


def _of_request(envelope: Message) -> Announcement:
    topic, note = str(envelope["TopicArn"]), parse_body(str(envelope.get("Message")))
    if note.get("eventName") == "TestNotification":
        return Announcement(None, topic)
    if "requestContext" in note:
        return Announcement(_failed_invocation(note), topic)
    job_id = str(note["inferenceId"])
    if note["invocationStatus"] == "Completed":
        return Announcement(JobResult(job_id, _location(note["responseParameters"]["outputLocation"])), topic)
    reason = str(note.get("failureReason") or "The request failed without a reason.")
    return Announcement(JobResult(job_id, None, reason), topic)


def _failed_invocation(record: Message) -> JobResult:
    """The failure of an event that Lambda gave up: it expired, or the function raised, ran too long or crashed."""
    condition = str(record["requestContext"]["condition"])
    payload = record.get("responsePayload")
    message = payload.get("errorMessage") if isinstance(payload, dict) else None
    reason = f"The model function failed ({condition}): {message or 'no message'}"
    return JobResult(str(record["requestPayload"]["job_id"]), None, reason[:MAX_REASON])


def _of_transform_job(event: Message) -> Announcement:
    if (event.get("source"), event["detail-type"]) != ("aws.sagemaker", TRANSFORM):
        raise InvalidEventError(f"Expected {TRANSFORM}, got {event['detail-type']} from {event.get('source')}.")
    detail = event["detail"]
    output = _location(detail["TransformOutput"]["S3OutputPath"])
    reason = str(detail.get("FailureReason") or "")
    result = result_of(str(detail["TransformJobName"]), str(detail["TransformJobStatus"]), output, reason)
    return Announcement(result, model=str(detail["ModelName"]))


def _location(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is not the location of an output")
    return value
