"""The queue of S3's notifications, as seen from outside: Lambda receives its messages."""

from __future__ import annotations

from typing import Any

from bintally.adapters.errors import store_errors

DEPTH = "ApproximateNumberOfMessages"  # without those that a function is working on


class IntakeQueue:
    """The queue at `url`."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self._url = url

    def depth(self) -> int:
        with store_errors(f"Reading {self._url}"):
            response = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=[DEPTH])
            return int(response["Attributes"][DEPTH])
