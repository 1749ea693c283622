"""SQS batches: a message that fails goes back to the queue, and the log says why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, FailureResponse, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from bintally.domain.errors import SettingError
from bintally.handlers.observability import logger, metrics
from bintally.messages.sqs import records_of


class MessageProcessor(BatchProcessor):
    """Powertools' processor reports which messages failed; this one also logs why.

    A missing or invalid setting is not the message's fault: it fails the function, which raises an alarm.
    """

    def __init__(self) -> None:
        super().__init__(EventType.SQS, raise_on_entire_batch_failure=False)

    def failure_handler(self, record: Any, exception: Any) -> FailureResponse:
        if isinstance(exception[1], SettingError):
            raise exception[1]
        logger.error("message failed", exc_info=exception, extra={"message_id": record.message_id})
        return super().failure_handler(record, exception)


def process_messages(
    event: dict[str, Any], handle: Callable[..., object], context: LambdaContext
) -> PartialItemFailureResponse:
    """Call `handle` for each message. The response returns the messages for which it raised an error to the queue."""
    metrics.add_metric("MessagesReceived", MetricUnit.Count, len(records_of(event)))
    return process_partial_response(event, handle, MessageProcessor(), context)
