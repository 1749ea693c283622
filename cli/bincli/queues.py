"""SQS for an operator: queue depths, and reading and moving messages without losing any."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bintally.domain.batches import batched

MAX_PER_REQUEST = 10
MAX_BYTES = 256 * 1024  # of the messages of one SendMessageBatch
VISIBILITY_TIMEOUT = 300  # seconds during which other receivers don't get a message that we received
WAIT_SECONDS = 1  # long polling asks all SQS servers; short polling may miss messages
DEPTHS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")


@dataclass(frozen=True)
class Queue:
    """A queue with its approximate numbers of messages: visible, in flight (with a receiver), and delayed.

    `dead_letters` is the URL of its dead-letter queue, or None.
    """

    url: str
    visible: int
    in_flight: int
    delayed: int
    dead_letters: str | None

    @property
    def messages(self) -> int:
        return self.visible + self.in_flight + self.delayed


@dataclass(frozen=True)
class Message:
    """A received message. `attributes` are those with a text value."""

    receipt: str
    body: str
    attributes: Mapping[str, str] = field(default_factory=dict)


def queue_at(sqs: Any, url: str) -> Queue:
    names = [*DEPTHS, "RedrivePolicy"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names).get("Attributes", {})
    visible, in_flight, delayed = (int(attributes.get(name, 0)) for name in DEPTHS)
    policy = json.loads(attributes.get("RedrivePolicy") or "{}")
    arn = policy.get("deadLetterTargetArn")
    dead_letters = sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"] if arn else None
    return Queue(url, visible, in_flight, delayed, dead_letters)


def receive_batches(sqs: Any, url: str) -> Iterator[list[Message]]:
    """Receive the messages of a queue, up to ten at a time, until a receive finds none."""
    while messages := _receive(sqs, url):
        yield messages


def _receive(sqs: Any, url: str) -> list[Message]:
    response = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=MAX_PER_REQUEST,
        VisibilityTimeout=VISIBILITY_TIMEOUT,
        WaitTimeSeconds=WAIT_SECONDS,
        MessageAttributeNames=["All"],
    )
    return [_message(received) for received in response.get("Messages", [])]


def _message(received: Mapping[str, Any]) -> Message:
    attributes = received.get("MessageAttributes", {})
    texts = {name: value["StringValue"] for name, value in attributes.items() if "StringValue" in value}
    return Message(received["ReceiptHandle"], received["Body"], texts)


@contextmanager
def peek_all(sqs: Any, url: str) -> Iterator[list[Message]]:
    """All messages of a queue, to read. On exit, even after an error, those not deleted become visible again."""
    messages: list[Message] = []
    try:
        for batch in receive_batches(sqs, url):
            messages += batch
        yield list(messages)
    finally:
        for part in batched(messages, MAX_PER_REQUEST):
            entries = [
                {"Id": str(number), "ReceiptHandle": message.receipt, "VisibilityTimeout": 0}
                for number, message in enumerate(part)
            ]
            sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)


def send(sqs: Any, url: str, messages: Sequence[Message]) -> list[Message]:
    """Send the bodies to a queue; returns the messages that it accepted."""
    accepted: list[Message] = []
    for batch in _batches(messages):
        entries = [{"Id": str(number), "MessageBody": message.body} for number, message in enumerate(batch)]
        response = sqs.send_message_batch(QueueUrl=url, Entries=entries)
        accepted += [batch[int(success["Id"])] for success in response.get("Successful", [])]
    return accepted


def _batches(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """Batches within the limits of one request, by number and by bytes."""
    batch: list[Message] = []
    weight = 0
    for message in messages:
        size = len(message.body.encode())
        if batch and (len(batch) == MAX_PER_REQUEST or weight + size > MAX_BYTES):
            yield batch
            batch, weight = [], 0
        batch.append(message)
        weight += size
    if batch:
        yield batch


def delete(sqs: Any, url: str, messages: Sequence[Message]) -> None:
    """Delete received messages. One that is not deleted is delivered again, which is harmless."""
    for part in batched(messages, MAX_PER_REQUEST):
        entries = [{"Id": str(number), "ReceiptHandle": message.receipt} for number, message in enumerate(part)]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
