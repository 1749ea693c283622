"""Notifications of finished requests and transform jobs → counts in the ledger and the bins."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from bintally.handlers import wiring
from bintally.handlers.messages import records_of
from bintally.handlers.observability import failures_logged, logger, metrics
from bintally.handlers.results import job_result
from bintally.handlers.settings import settings
from bintally.usecases.collect import collect


@failures_logged
def collect_job(record: SQSRecord) -> None:
    """Collect the job that one message announces."""
    result = job_result(record.body, settings().result_topics, settings().model_name)
    if result is None:
        logger.info("nothing to collect", extra={"message_id": record.message_id})
        return
    collected = collect(result, wiring.world(), policy=settings().policy, now=datetime.now(UTC))
    if collected.failed:
        metrics.add_metric("JobsFailed", MetricUnit.Count, 1)
    for status, number in collected.status_counts.items():
        metrics.add_metric(f"Images{status.title()}", MetricUnit.Count, number)
    logger.info("collected job", extra={"job_id": collected.job_id, "status_counts": collected.status_counts})


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Messages that fail are delivered again, the others are done."""
    metrics.add_metric("MessagesReceived", MetricUnit.Count, len(records_of(event)))
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event, collect_job, processor, context)
