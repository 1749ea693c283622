"""A schedule → what fell silent is looked into, what is pending gets a job, and every open job is sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bintally.handlers import wiring
from bintally.handlers.observability import logger, metrics
from bintally.handlers.settings import settings
from bintally.usecases.schedule import run_schedule


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """The event only says that it is time. Answers with the ids of the jobs that something was done about."""
    made = run_schedule(wiring.world(), policy=settings().policy, now=datetime.now(UTC))
    for name, unit, number in (
        ("JobsSent", MetricUnit.Count, len(made.submission.sent)),
        ("JobsWaiting", MetricUnit.Count, len(made.submission.waiting)),
        ("JobsFailed", MetricUnit.Count, len(made.swept.failed) + len(made.swept.timed_out)),
        ("OldestPendingSeconds", MetricUnit.Seconds, made.oldest_pending.total_seconds()),
        ("ImagesUnaccounted", MetricUnit.Count, made.unaccounted),
    ):
        metrics.add_metric(name, unit, number)
    for status, number in made.swept.status_counts.items():
        metrics.add_metric(f"Images{status.title()}", MetricUnit.Count, number)
    for job_id, reason in made.submission.waiting + made.swept.errors:
        logger.warning("job waits for the next round", extra={"job_id": job_id, "reason": reason})
    return made.facts()
