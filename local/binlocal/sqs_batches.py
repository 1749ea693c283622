"""How Lambda's SQS event source batches messages, what it sends to the function, and what it deletes afterwards.

A batch is complete at BatchSize messages, at 6 MB, or MaximumBatchingWindowInSeconds after its first message,
whichever comes first.
"""

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

Message = dict[str, Any]
Record = dict[str, Any]
Receive = Callable[[int, int], list[Message]]

EVENT_BYTES = 6_000_000
MAX_RECEIVED = 10
IDLE_SECONDS = 1
DEFAULT_CONCURRENCY = 5


@dataclass(frozen=True)
class EventSource:
    """An SQS event source mapping. `window` is in seconds."""

    queue_arn: str
    queue_url: str
    function: str
    batch_size: int
    window: int
    reports_failures: bool
    concurrency: int

    @classmethod
    def of(cls, mapping: Mapping[str, Any], queue_url: str) -> "EventSource":
        """From an item of ListEventSourceMappings."""
        return cls(
            queue_arn=mapping["EventSourceArn"],
            queue_url=queue_url,
            function=mapping["FunctionArn"],
            batch_size=mapping["BatchSize"],
            window=mapping.get("MaximumBatchingWindowInSeconds", 0),
            reports_failures="ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", []),
            concurrency=mapping.get("ScalingConfig", {}).get("MaximumConcurrency", DEFAULT_CONCURRENCY),
        )


@dataclass
class Gatherer:
    """Gathers batches from one queue. `receive(count, wait seconds)` makes one ReceiveMessage request."""

    source: EventSource
    receive: Receive
    clock: Callable[[], float] = time.monotonic
    _left_over: list[Record] = field(default_factory=list)

    def gather(self) -> list[Record]:
        """The records of the next batch. Empty if the queue stayed empty for a second."""
        records = self._left_over or self._fetch(self.source.batch_size, IDLE_SECONDS)
        closes = self.clock() + self.source.window
        size = event_size(records)
        while records and len(records) < self.source.batch_size and size <= EVENT_BYTES:
            remaining = closes - self.clock()
            if remaining <= 0:
                break
            more = self._fetch(self.source.batch_size - len(records), math.ceil(remaining))
            records, size = records + more, size + event_size(more)
        fitting = len(records) if size <= EVENT_BYTES else fitting_records(records)
        self._left_over = records[fitting:]
        return records[:fitting]

    def _fetch(self, count: int, wait: int) -> list[Record]:
        messages = self.receive(min(count, MAX_RECEIVED), min(wait, 20))
        return [to_record(message, self.source.queue_arn) for message in messages]


def event_size(records: list[Record]) -> int:
    """The size in bytes of the records in an event."""
    return sum(len(json.dumps(record)) + 2 for record in records)


def fitting_records(records: list[Record]) -> int:
    """How many of the records fit into one event, at least one."""
    sizes = accumulate(event_size([record]) for record in records)
    return max(1, sum(size <= EVENT_BYTES for size in sizes))


def to_record(message: Message, queue_arn: str) -> Record:
    """A received message as a record of Lambda's SQS event."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {
            name: {key[0].lower() + key[1:]: value for key, value in attribute.items()}
            for name, attribute in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }


def records_to_delete(records: Iterable[Record], response: Any, *, reports_failures: bool) -> list[Record]:
    """The records to delete after an invocation that raised no error.

    With ReportBatchItemFailures, an empty response means that all records succeeded. A malformed response, or one that
    names an unknown message, means that all failed.
    """
    sent = list(records)
    if not reports_failures or response in (None, {}, ""):
        return sent
    try:
        failed = {failure["itemIdentifier"] for failure in response["batchItemFailures"] or []}
    except (TypeError, KeyError):
        return []
    known = {record["messageId"] for record in sent}
    return [record for record in sent if record["messageId"] not in failed] if failed <= known else []
