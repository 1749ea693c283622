"""A schedule → jobs that never reached the engine are sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bintally.handlers import wiring
from bintally.handlers.observability import logger, metrics, tracer
from bintally.usecases.submit import submit_waiting


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """The event only says that it is time. Answers with the job ids that were sent and those that still wait."""
    submission = submit_waiting(jobs=wiring.jobs(), engine=wiring.engine(), now=datetime.now(UTC))
    metrics.add_metric("JobsSent", MetricUnit.Count, len(submission.sent))
    metrics.add_metric("JobsWaiting", MetricUnit.Count, len(submission.waiting))
    for job_id, reason in submission.waiting:
        logger.warning("job waits for the next submit", extra={"job_id": job_id, "reason": reason})
    return {"sent": list(submission.sent), "waiting": dict(submission.waiting)}
