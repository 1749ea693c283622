"""What arrives, parsed: messages of SQS, and S3's notifications in both their forms.

Shapes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html and its `ev-events`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from bintally.domain.errors import InvalidEventError
from bintally.domain.objects import StoredObject, padded_sequencer
from bintally.domain.orders import iso

Message = Mapping[str, Any]
MOST_BYTES = 1024  # of a key and of a version id


def records_of(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages of an SQS event. Raises InvalidEventError for any other event."""
    records = event.get("Records")
    if not isinstance(records, list):
        raise InvalidEventError("The event is not one of SQS: it has no list of Records.")
    return records


def stored_objects(body: str, bucket: str) -> list[StoredObject]:
    """The objects that a message of S3 says were created in `bucket`; none for a test event or a deletion.

    Raises InvalidEventError for anything else, and for an object in another bucket.
    """
    message = parsed(body)
    if message.get("Event") == "s3:TestEvent":
        return []
    try:
        if "detail-type" in message:
            objects = _from_event_bridge(message)
        else:
            objects = [_from_record(record) for record in message["Records"] if _is_creation(record)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidEventError(f"Not a notification of S3: {error!r}") from error
    for found in objects:
        if found.bucket != bucket:
            raise InvalidEventError(f"The notification names the bucket {found.bucket}; only {bucket} is taken.")
    return objects


def notification_of(stored: StoredObject) -> str:
    """A message that `stored_objects` reads as this one object."""
    named = {"key": quote_plus(stored.key), "sequencer": stored.sequencer, "versionId": stored.version_id}
    place = {"bucket": {"name": stored.bucket}, "object": named}
    record = {"eventName": "ObjectCreated:Continued", "eventTime": stored.put_at, "s3": place}
    return json.dumps({"Records": [record]})


def parsed(body: str) -> Message:
    """The JSON object in a message. Raises InvalidEventError."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidEventError(f"The message is not JSON: {error}") from error
    if not isinstance(message, Mapping):
        raise InvalidEventError("The message is not a JSON object.")
    return message


def _is_creation(record: Message) -> bool:
    return str(record["eventName"]).removeprefix("s3:").startswith("ObjectCreated:")


def _from_record(record: Message) -> StoredObject:
    stored = record["s3"]["object"]
    return StoredObject(
        bucket=record["s3"]["bucket"]["name"],
        key=_text(unquote_plus(stored["key"])),
        version_id=_version(stored.get("versionId")),
        sequencer=_text(padded_sequencer(stored.get("sequencer", ""))),
        put_at=_moment(record["eventTime"]),
    )


def _from_event_bridge(message: Message) -> list[StoredObject]:
    if message["detail-type"] != "Object Created":
        return []
    detail = message["detail"]
    stored = StoredObject(
        bucket=detail["bucket"]["name"],
        key=_text(detail["object"]["key"]),  # not encoded in this form
        version_id=_version(detail["object"].get("version-id")),
        sequencer=_text(padded_sequencer(detail["object"].get("sequencer", ""))),
        put_at=_moment(message["time"]),
    )
    return [stored]


def _version(version_id: object) -> str | None:
    return None if version_id in (None, "", "null") else _text(version_id)


def _text(value: object) -> str:
    """`value`, which a table can hold: one that can't would fail the thousand others of its delivery."""
    if not isinstance(value, str) or not 0 < len(value.encode()) <= MOST_BYTES:
        raise ValueError(f"{value!r} is not text of 1 to {MOST_BYTES:,} bytes")
    return value


def _moment(text: str) -> str:
    moment = datetime.fromisoformat(text)
    return iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
