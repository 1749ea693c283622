"""Polls the queues in place of MiniStack and invokes the functions with batches as large as on AWS.

MiniStack's own SQS event source sends at most 10 messages, whatever BatchSize and the batching window say. DynamoDB
streams are left to MiniStack.
"""

import json
import logging
import threading
from collections.abc import Callable
from typing import Any

from botocore.config import Config

from binlocal.sqs_batches import EventSource, Gatherer, Record, records_to_delete

# No retries: a retry would invoke the function twice. Lambda functions run for at most 15 minutes.
INVOKE_CONFIG = Config(proxies={}, read_timeout=910, retries={"total_max_attempts": 1}, max_pool_connections=64)
STOP_SECONDS = 3.0
ERROR_PAUSE_SECONDS = 1.0

logger = logging.getLogger(__name__)


def take_over_queues(lambda_client: Any, sqs: Any) -> list[EventSource]:
    """Disables MiniStack's SQS event sources and returns them, except those with filters, which MiniStack applies."""
    sources = []
    for page in lambda_client.get_paginator("list_event_source_mappings").paginate():
        for mapping in page["EventSourceMappings"]:
            service, *_, queue_name = mapping["EventSourceArn"].split(":")[2:]
            if service == "sqs" and mapping["State"] != "Disabled" and not mapping.get("FilterCriteria"):
                lambda_client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
                sources.append(EventSource.of(mapping, sqs.get_queue_url(QueueName=queue_name)["QueueUrl"]))
    return sources


class QueuePoller:
    """Polls one queue in its own thread and invokes the function in others, at most `concurrency` at a time."""

    def __init__(self, source: EventSource, sqs: Any, lambda_client: Any) -> None:
        self._source = source
        self._sqs = sqs
        self._lambda = lambda_client
        self._slots = threading.Semaphore(source.concurrency)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._poll_forever, daemon=True, name=f"poller-{source.function}")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stops polling. Messages in an unfinished invocation return to the queue after its visibility timeout."""
        self._stopped.set()

    def join(self) -> None:
        self._thread.join(STOP_SECONDS)

    def _poll_forever(self) -> None:
        gatherer = Gatherer(self._source, self._receive)
        while not self._stopped.is_set():
            # Take the slot first, so that no received message waits, invisible to others, for a free function.
            self._slots.acquire()
            records = self._safely(gatherer.gather) or []
            if records:
                threading.Thread(target=self._deliver, args=(records,), daemon=True).start()
            else:
                self._slots.release()

    def _deliver(self, records: list[Record]) -> None:
        try:
            self._safely(lambda: self.process(records))
        finally:
            self._slots.release()

    def process(self, records: list[Record]) -> None:
        """Invokes the function and deletes the messages that it handled. If it fails, all stay in the queue."""
        payload = json.dumps({"Records": records})
        response = self._lambda.invoke(FunctionName=self._source.function, Payload=payload)
        body = response["Payload"].read()
        if "FunctionError" in response:
            logger.warning("%s failed on %d messages: %s", self._source.function, len(records), body.decode())
            return
        self._delete(
            records_to_delete(records, json.loads(body or b"null"), reports_failures=self._source.reports_failures)
        )

    def _receive(self, count: int, wait: int) -> list[dict[str, Any]]:
        response = self._sqs.receive_message(
            QueueUrl=self._source.queue_url,
            MaxNumberOfMessages=count,
            WaitTimeSeconds=wait,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages: list[dict[str, Any]] = response.get("Messages", [])
        return messages

    def _delete(self, records: list[Record]) -> None:
        for first in range(0, len(records), 10):
            entries = [
                {"Id": str(number), "ReceiptHandle": record["receiptHandle"]}
                for number, record in enumerate(records[first : first + 10])
            ]
            self._sqs.delete_message_batch(QueueUrl=self._source.queue_url, Entries=entries)

    def _safely(self, action: Callable[[], Any]) -> Any:
        """Logs errors and returns None, so that the poller survives a failing service."""
        try:
            return action()
        except Exception as error:
            if not self._stopped.wait(ERROR_PAUSE_SECONDS):
                logger.warning("Queue of %s: %s", self._source.function, error)
            return None
