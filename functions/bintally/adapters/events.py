"""The event bus."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bintally.adapters.backoff import Pause, pause
from bintally.adapters.errors import store_errors
from bintally.domain.batches import batched
from bintally.domain.errors import StoreError

SOURCE = "bintally"
MAX_ENTRIES = 10  # of PutEvents
MAX_ATTEMPTS = 5  # for one entry

Entry = Mapping[str, str]


class EventBus:
    """EventBridge's default bus. Consumers recognise a repeated event by the `event_id` in its detail."""

    def __init__(self, client: Any, pause: Pause = pause) -> None:
        self._client = client
        self._pause = pause

    def publish(self, events: Iterable[tuple[str, Mapping[str, object]]]) -> None:
        entries = [
            {"Source": SOURCE, "DetailType": kind, "Detail": json.dumps(detail, ensure_ascii=False)}
            for kind, detail in events
        ]
        with store_errors("Publishing events"):
            for part in batched(entries, MAX_ENTRIES):
                self._put(part)

    def _put(self, entries: Sequence[Entry]) -> None:
        """Put these entries, and again those that the bus refused. PutEvents reports them without raising an error."""
        codes: list[str] = []
        for attempt in range(MAX_ATTEMPTS):
            if attempt:
                self._pause(attempt - 1)
            outcomes = self._client.put_events(Entries=list(entries))["Entries"]
            # The outcomes are in the order of the entries.
            refused = [(entry, outcome) for entry, outcome in zip(entries, outcomes, strict=True) if _refused(outcome)]
            if not refused:
                return
            entries = [entry for entry, _ in refused]
            codes = sorted({outcome["ErrorCode"] for _, outcome in refused})
        raise StoreError(f"The event bus refused {len(entries)} events {MAX_ATTEMPTS} times: {', '.join(codes)}.")


def _refused(outcome: Mapping[str, str]) -> bool:
    return "ErrorCode" in outcome
