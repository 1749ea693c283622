"""What SageMaker announces, parsed: notes on async requests, and transform jobs that changed their state.

Shapes: https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html.
"""

from __future__ import annotations

from collections.abc import Collection

from bintally.domain.errors import InvalidEventError
from bintally.domain.jobs import JobResult
from bintally.domain.transforms import result_of
from bintally.handlers.messages import Message, parsed

TRANSFORM = "SageMaker Transform Job State Change"


def job_result(body: str, topics: Collection[str], model: str) -> JobResult | None:
    """What a message says of a job; None for SageMaker's test notification and a transform job that is at work.

    It is an SNS envelope of one of `topics`, or an event of EventBridge on a transform job with our `model`. Raises
    InvalidEventError for anything else.
    """
    message = parsed(body)
    try:
        return _of_transform_job(message, model) if "detail-type" in message else _of_request(message, topics)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidEventError(f"Not an announcement of SageMaker: {error!r}") from error


def _of_request(envelope: Message, topics: Collection[str]) -> JobResult | None:
    if str(envelope.get("TopicArn")) not in topics:
        raise InvalidEventError(f"The notification is from {envelope.get('TopicArn')}, which is not a topic of ours.")
    note = parsed(str(envelope.get("Message")))
    if note.get("eventName") == "TestNotification":
        return None
    job_id = str(note["inferenceId"])
    if note["invocationStatus"] == "Completed":
        return JobResult(job_id, _location(note["responseParameters"]["outputLocation"]))
    return JobResult(job_id, None, str(note.get("failureReason") or "The request failed without a reason."))


def _of_transform_job(event: Message, model: str) -> JobResult | None:
    detail = event["detail"]
    if (event.get("source"), event["detail-type"], detail["ModelName"]) != ("aws.sagemaker", TRANSFORM, model):
        raise InvalidEventError(f"The event {event['detail-type']} of {event.get('source')} is not on our model.")
    output = _location(detail["TransformOutput"]["S3OutputPath"])
    reason = str(detail.get("FailureReason") or "")
    return result_of(str(detail["TransformJobName"]), str(detail["TransformJobStatus"]), output, reason)


def _location(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is not where an output lies")
    return value
