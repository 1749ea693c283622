"""Order files → order lines in the consignments table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from bintally.handlers import wiring
from bintally.handlers.messages import notification_of, records_of, stored_objects
from bintally.handlers.observability import failures_logged, logger, metrics
from bintally.handlers.settings import settings
from bintally.usecases.orders import import_orders


def import_files(record: SQSRecord, time_left: Callable[[], float]) -> None:
    """Import the order files that one message announces. What the time is not enough for, a message of its own does."""
    for source in stored_objects(record.body, settings().orders_bucket):
        done = import_orders(
            wiring.order_files().read(source),
            source=source,
            orders=wiring.orders(),
            reports=wiring.reports(),
            now=datetime.now(UTC),
            zone=settings().zone,
            time_left=time_left,
        )
        if done.is_finished:
            metrics.add_metric("OrderLinesAccepted", MetricUnit.Count, done.accepted)
            metrics.add_metric("OrderRowsRefused", MetricUnit.Count, done.refused)
            metrics.add_metric("OrderLinesWithdrawn", MetricUnit.Count, done.withdrawn)
        else:
            wiring.order_queue().send(notification_of(source))
        told = {"key": source.key, "accepted": done.accepted, "report": done.report}
        logger.info("imported orders" if done.is_finished else "orders go on in another run", extra=told)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Messages that fail are delivered again, the others are done."""
    metrics.add_metric("MessagesReceived", MetricUnit.Count, len(records_of(event)))
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)

    @failures_logged
    def take(record: SQSRecord) -> None:
        import_files(record, lambda: context.get_remaining_time_in_millis() / 1000)

    return process_partial_response(event, take, processor, context)
