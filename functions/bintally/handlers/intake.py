"""SQS messages of the intake bucket → photographs in the ledger and with the model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from bintally.domain.bins import bin_id_of
from bintally.domain.image import Image
from bintally.handlers import wiring
from bintally.handlers.messages import records_of, stored_objects
from bintally.handlers.observability import failures_logged, logger, metrics
from bintally.handlers.settings import settings
from bintally.usecases.intake import ingest


@failures_logged
def images_in(record: SQSRecord) -> list[Image]:
    """The photographs that one message announces."""
    objects = stored_objects(record.body, settings().intake_bucket)
    return [
        Image(o.bucket, o.key, o.version_id, o.sequencer, o.put_at, bin_id_of(o.key, wiring.find_bin()))
        for o in objects
    ]


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Messages that can't be read are reported as failed; all others become one delivery."""
    wiring.find_bin()  # a pattern that is none fails the function, of which an alarm tells, and not message by message
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    with processor(records_of(event), images_in, lambda_context=context):
        parsed = [result[1] for result in processor.process() if result[0] == "success"]
    intake = ingest(
        [image for images in parsed for image in images],
        ledger=wiring.ledger(),
        jobs=wiring.jobs(),
        engines=wiring.engines(),
        policy=settings().policy,
        now=datetime.now(UTC),
    )
    metrics.add_metric("ImagesRegistered", MetricUnit.Count, intake.registered)
    metrics.add_metric("ImagesRepeated", MetricUnit.Count, intake.repeated)
    logger.info("took in photographs", extra={"registered": intake.registered, "jobs": intake.submission.sent})
    for job_id, reason in intake.submission.waiting:
        logger.warning("job waits for the next submit", extra={"job_id": job_id, "reason": reason})
    return processor.response()
