"""Imports order files into the consignments table, and checks the catalogue of items."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from bintally.domain.catalogue import CATALOGUE_KEY
from bintally.domain.objects import StoredObject
from bintally.handlers.batches import process_messages
from bintally.handlers.observability import logger, metrics
from bintally.handlers.settings import settings
from bintally.handlers.wiring import dependencies
from bintally.messages.s3 import notification_of, objects_in_bucket
from bintally.usecases.catalogue import check_catalogue
from bintally.usecases.orders import import_orders


def import_files(record: SQSRecord, lambda_context: LambdaContext) -> None:
    """Import the order files that one message announces. If time runs out, a new message continues the import."""
    for source in objects_in_bucket(record.body, settings().orders_bucket):
        if source.key != CATALOGUE_KEY:
            import_file(source, lambda_context)
            continue
        items, report = check_catalogue(dependencies().catalogue, source)
        facts = {"items": len(items.volumes), "refused": items.refused_rows, "report": report}
        logger.info("checked the catalogue", extra=facts)


def import_file(source: StoredObject, lambda_context: LambdaContext) -> None:
    """Import one order file, as far as the time allows."""
    imported = import_orders(
        dependencies(),
        dependencies().order_files.read(source),
        source=source,
        now=datetime.now(UTC),
        zone=settings().zone,
        time_left=lambda: lambda_context.get_remaining_time_in_millis() / 1000,
    )
    if imported.is_finished:
        metrics.add_metric("OrderLinesAccepted", MetricUnit.Count, imported.accepted)
        metrics.add_metric("OrderRowsRefused", MetricUnit.Count, imported.refused)
        metrics.add_metric("OrderLinesWithdrawn", MetricUnit.Count, imported.withdrawn)
    else:
        dependencies().order_queue.send(notification_of(source))
    facts = {"key": source.key, "accepted": imported.accepted, "report": imported.report}
    logger.info("imported orders" if imported.is_finished else "another run continues the import", extra=facts)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Messages that fail are delivered again, the others are deleted."""
    return process_messages(event, import_files, context)
