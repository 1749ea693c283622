"""S3 notifications, direct and through EventBridge.

Formats: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import quote_plus, unquote_plus

from bintally.domain.errors import InvalidEventError
from bintally.domain.objects import StoredObject, padded_sequencer
from bintally.domain.times import iso
from bintally.messages.sqs import Message, parse_body

MAX_BYTES = 1024  # of a key and of a version id


def objects_in_bucket(body: str, bucket: str) -> list[StoredObject]:
    """The objects that a notification says were created in `bucket`.

    Raises InvalidEventError for an object in another bucket, and as `created_objects` does.
    """
    objects = created_objects(body)
    for stored in objects:
        if stored.bucket != bucket:
            raise InvalidEventError(f"The notification names the bucket {stored.bucket}; expected {bucket}.")
    return objects


def created_objects(body: str) -> list[StoredObject]:
    """The objects that a notification says were created; none for a test event or a deletion.

    Raises InvalidEventError for any other message.
    """
    message = parse_body(body)
    if message.get("Event") == "s3:TestEvent":
        return []
    try:
        if "detail-type" in message:
            return _from_event_bridge(message)
        return [_from_record(record) for record in message["Records"] if _is_creation(record)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidEventError(f"Not an S3 notification: {error!r}") from error


def notification_of(stored: StoredObject) -> str:
    """A notification about this one object, which `created_objects` can parse."""
    named = {"key": quote_plus(stored.key), "sequencer": stored.sequencer, "versionId": stored.version_id}
    place = {"bucket": {"name": stored.bucket}, "object": named}
    record = {"eventName": "ObjectCreated:Continued", "eventTime": stored.put_at, "s3": place}
    return json.dumps({"Records": [record]})


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
        key=_text(detail["object"]["key"]),  # not encoded in this format
        version_id=_version(detail["object"].get("version-id")),
        sequencer=_text(padded_sequencer(detail["object"].get("sequencer", ""))),
        put_at=_moment(message["time"]),
    )
    return [stored]


def _version(version_id: object) -> str | None:
    return None if version_id in (None, "", "null") else _text(version_id)


def _text(value: object) -> str:
    """`value` if a table can store it. A value that it can't store would fail all other objects of the delivery too."""
    if not isinstance(value, str) or not 0 < len(value.encode()) <= MAX_BYTES:
        raise ValueError(f"{value!r} is not text of 1 to {MAX_BYTES:,} bytes")
    return value


def _moment(text: str) -> str:
    moment = datetime.fromisoformat(text)
    return iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
