"""Queues as an operator handles them: how full they are, and their dead letters, taken without being lost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bintally.domain.jobs import in_parts

MOST_TO_A_REQUEST = 10
MOST_BYTES = 256 * 1024  # of the messages of one SendMessageBatch
HIDDEN_SECONDS = 300  # how long nobody else gets a letter that we took
WAIT_SECONDS = 1  # a receive that waits asks all of SQS's servers; one that does not may miss messages
DEPTHS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")


@dataclass(frozen=True)
class Queue:
    """A queue and how many messages it has: to be received, with a receiver now, and delayed. SQS counts roughly.

    `dead_letters` is the URL of the queue that its failed messages go to, or None.
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
class Letter:
    """A message taken from a queue of dead letters. `attributes` are those that have text."""

    receipt: str
    body: str
    attributes: Mapping[str, str] = field(default_factory=dict)


def look_at(sqs: Any, url: str) -> Queue:
    """The queue at `url`."""
    asked = [*DEPTHS, "RedrivePolicy"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=asked).get("Attributes", {})
    visible, in_flight, delayed = (int(attributes.get(name, 0)) for name in DEPTHS)
    policy = json.loads(attributes.get("RedrivePolicy") or "{}")
    arn = policy.get("deadLetterTargetArn")
    dead_letters = sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"] if arn else None
    return Queue(url, visible, in_flight, delayed, dead_letters)


def taken(sqs: Any, url: str) -> Iterator[list[Letter]]:
    """The messages of a queue, at most ten at a time, hidden from others meanwhile; ends when a receive finds none."""
    while letters := _receive(sqs, url):
        yield letters


def _receive(sqs: Any, url: str) -> list[Letter]:
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=MOST_TO_A_REQUEST,
        VisibilityTimeout=HIDDEN_SECONDS,
        WaitTimeSeconds=WAIT_SECONDS,
        MessageAttributeNames=["All"],
    )
    return [_letter(message) for message in answer.get("Messages", [])]


def _letter(message: Mapping[str, Any]) -> Letter:
    attributes = message.get("MessageAttributes", {})
    texts = {name: value["StringValue"] for name, value in attributes.items() if "StringValue" in value}
    return Letter(message["ReceiptHandle"], message["Body"], texts)


@contextmanager
def borrowed(sqs: Any, url: str) -> Iterator[list[Letter]]:
    """All messages of a queue, to read. Whatever is still there afterwards is as it was before, also after an error."""
    letters: list[Letter] = []
    try:
        for some in taken(sqs, url):
            letters += some
        yield list(letters)
    finally:
        for part in in_parts(letters, MOST_TO_A_REQUEST):
            entries = [
                {"Id": str(number), "ReceiptHandle": letter.receipt, "VisibilityTimeout": 0}
                for number, letter in enumerate(part)
            ]
            sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)


def send(sqs: Any, url: str, letters: Sequence[Letter]) -> list[Letter]:
    """Send the bodies to a queue; those of `letters` that it took."""
    accepted: list[Letter] = []
    for part in _fitting(letters):
        entries = [{"Id": str(number), "MessageBody": letter.body} for number, letter in enumerate(part)]
        answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
        accepted += [part[int(success["Id"])] for success in answer.get("Successful", [])]
    return accepted


def _fitting(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
    """Runs of letters that one request takes, by number and by bytes."""
    run: list[Letter] = []
    weight = 0
    for letter in letters:
        size = len(letter.body.encode())
        if run and (len(run) == MOST_TO_A_REQUEST or weight + size > MOST_BYTES):
            yield run
            run, weight = [], 0
        run.append(letter)
        weight += size
    if run:
        yield run


def delete(sqs: Any, url: str, letters: Sequence[Letter]) -> None:
    """Delete messages that were taken from a queue. One that is not deleted comes again, which does no harm."""
    for part in in_parts(letters, MOST_TO_A_REQUEST):
        entries = [{"Id": str(number), "ReceiptHandle": letter.receipt} for number, letter in enumerate(part)]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
