"""SQS: the messages of an event, and the JSON in a message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bintally.domain.errors import InvalidEventError

Message = Mapping[str, Any]


def records_of(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages of an SQS event. Raises InvalidEventError for any other event."""
    records = event.get("Records")
    if not isinstance(records, list):
        raise InvalidEventError("This is not an SQS event: it has no list of Records.")
    return records


def parse_body(body: str) -> Message:
    """The JSON object in a message. Raises InvalidEventError."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidEventError(f"The message is not JSON: {error}") from error
    if not isinstance(message, Mapping):
        raise InvalidEventError("The message is not a JSON object.")
    return message
