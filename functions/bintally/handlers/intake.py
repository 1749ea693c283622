"""Registers the images that the intake bucket announces, and sends them to the model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from bintally.domain.bins import bin_id_of
from bintally.domain.image import Image
from bintally.handlers.batches import MessageProcessor
from bintally.handlers.observability import logger, metrics
from bintally.handlers.settings import settings
from bintally.handlers.wiring import dependencies, find_bin
from bintally.messages.s3 import objects_in_bucket
from bintally.messages.sqs import records_of
from bintally.usecases.intake import ingest


def images_in(record: SQSRecord) -> list[Image]:
    """The images that one message announces."""
    objects = objects_in_bucket(record.body, settings().intake_bucket)
    return [Image(o.bucket, o.key, o.version_id, o.sequencer, o.put_at, bin_id_of(o.key, find_bin())) for o in objects]


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Messages that can't be parsed are reported as failed; the others are ingested together."""
    processor = MessageProcessor()
    with processor(records_of(event), images_in, lambda_context=context):
        parsed = [result[1] for result in processor.process() if result[0] == "success"]
    images = [image for images in parsed for image in images]
    ingested = ingest(dependencies(), images, policy=settings().policy, now=datetime.now(UTC))
    metrics.add_metric("ImagesRegistered", MetricUnit.Count, ingested.registered)
    metrics.add_metric("ImagesRepeated", MetricUnit.Count, ingested.repeated)
    logger.info("ingested images", extra={"registered": ingested.registered, "jobs": ingested.submission.sent})
    for job_id, reason in ingested.submission.waiting:
        logger.warning("job waits for the next submit", extra={"job_id": job_id, "reason": reason})
    return processor.response()
