"""The one logger and the one metrics of the functions."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

logger = Logger()
metrics = Metrics()

T = TypeVar("T")


def failures_logged(take: Callable[[SQSRecord], T]) -> Callable[[SQSRecord], T]:
    """`take`, with what it raises logged: the batch processor reports a failed message without saying why."""

    @wraps(take)
    def logged(record: SQSRecord) -> T:
        try:
            return take(record)
        except Exception:
            logger.exception("message failed", extra={"message_id": record.message_id})
            raise

    return logged
