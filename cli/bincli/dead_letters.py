"""Reads dead letters: the images or the job that they name, and why they may be dead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bintally.domain.errors import InvalidEventError
from bintally.messages.s3 import created_objects
from bintally.messages.sagemaker import parse_announcement
from bintally.messages.sqs import parse_body

from bincli.audit.rules import Name
from bincli.queues import Message

UNREADABLE = "unreadable: not a JSON object"
UNKNOWN_FORM = "unreadable: not a notification that the function knows"
READABLE = "readable: see the log of the function for the error"
ERROR_CODE = "ERROR_CODE"  # what EventBridge adds to an event that it could not deliver
ERROR_MESSAGE = "ERROR_MESSAGE"


def objects_in(body: str) -> list[tuple[str, Name]]:
    """(bucket, (key, version id)) of the uploads that an S3 notification announces; none for another message."""
    try:
        return [(stored.bucket, (stored.key, stored.version_id)) for stored in created_objects(body)]
    except InvalidEventError:
        return []


def job_id_of(body: str) -> str | None:
    """The id of the job that a SageMaker notification is about: a request (in an SNS envelope) or a transform job."""
    try:
        result = parse_announcement(body).result
    except InvalidEventError:
        return None
    return result.job_id if result else None


def cause_of_objects(message: Message, bucket: str) -> str:
    """Why an S3 notification about `bucket` may be dead."""
    objects = objects_in(message.body)
    foreign = sorted({name for name, _ in objects if name != bucket})
    if foreign:
        return f"unreadable: names the bucket {foreign[0]}"
    return _cause(message, known=bool(objects))


def cause_of_result(message: Message, jobs: Mapping[str, object]) -> str:
    """Why a SageMaker notification may be dead. `jobs` are the known ones."""
    job_id = job_id_of(message.body)
    if job_id is not None and job_id not in jobs and ERROR_CODE not in message.attributes:
        return "its job is not in the jobs table"
    return _cause(message, known=job_id is not None)


def cause_of_stream(message: Message) -> str:
    """Why a batch of a table's stream is dead. Lambda gives the reason, but not the records."""
    condition = _parsed(message.body).get("requestContext", {})
    return str(condition.get("condition", "no reason given")) if isinstance(condition, Mapping) else UNKNOWN_FORM


def _cause(message: Message, *, known: bool) -> str:
    if ERROR_CODE in message.attributes:
        return f"not delivered: {message.attributes[ERROR_CODE]} {message.attributes.get(ERROR_MESSAGE, '')}".rstrip()
    if known:
        return READABLE
    return UNKNOWN_FORM if _parsed(message.body) else UNREADABLE


def _parsed(body: str) -> Mapping[str, Any]:
    """The JSON object in `body`; an empty one if there is none."""
    try:
        return parse_body(body)
    except InvalidEventError:
        return {}
