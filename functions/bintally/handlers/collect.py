"""Collects the results of a job that SageMaker announces: into the ledger, the bins and the event bus."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from bintally.domain.errors import FormerModelError
from bintally.handlers.batches import process_messages
from bintally.handlers.observability import logger, metrics
from bintally.handlers.settings import settings
from bintally.handlers.wiring import dependencies
from bintally.messages.sagemaker import job_result
from bintally.usecases.collect import collect


def collect_job(record: SQSRecord) -> None:
    """Collect the job that one message announces."""
    try:
        # The endpoint's name is that of its models, without the version.
        result = job_result(record.body, settings().result_topics, settings().model_name, settings().endpoint_name)
    except FormerModelError as error:
        logger.info("ignored", extra={"message_id": record.message_id, "reason": str(error)})
        return
    if result is None:
        logger.info("nothing to collect", extra={"message_id": record.message_id})
        return
    collected = collect(dependencies(), result, policy=settings().policy, now=datetime.now(UTC))
    if collected.failed:
        metrics.add_metric("JobsFailed", MetricUnit.Count, 1)
    if collected.confidence is not None and collected.status_counts:
        metrics.add_metric("Confidence", MetricUnit.Percent, 100 * collected.confidence)
    if faults := collected.volume_faults:
        logger.warning("volumes ignored", extra={"job_id": result.job_id, "number": len(faults), "first": faults[0]})
    for status, number in collected.status_counts.items():
        metrics.add_metric(f"Images{status.title()}", MetricUnit.Count, number)
    logger.info("collected job", extra={"job_id": collected.job_id, "status_counts": collected.status_counts})


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Messages that fail are delivered again, the others are deleted."""
    return process_messages(event, collect_job, context)
