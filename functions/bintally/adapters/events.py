"""The event bus."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from bintally.adapters.errors import store_errors
from bintally.domain.batches import batched
from bintally.domain.errors import StoreError

SOURCE = "bintally"
MOST_TO_A_REQUEST = 10  # of PutEvents


class EventBus:
    """EventBridge's default bus. Consumers know a repetition by the detail's `event_id`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def publish(self, events: Iterable[tuple[str, Mapping[str, object]]]) -> None:
        entries = [
            {"Source": SOURCE, "DetailType": kind, "Detail": json.dumps(detail, ensure_ascii=False)}
            for kind, detail in events
        ]
        with store_errors("Publishing events"):
            for part in batched(entries, MOST_TO_A_REQUEST):
                answer = self._client.put_events(Entries=list(part))
                if answer["FailedEntryCount"]:
                    raise StoreError(f"The event bus refused {answer['FailedEntryCount']} of {len(part)} events.")
