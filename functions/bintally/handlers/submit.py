"""Runs every minute: sends open jobs, checks jobs without news, assigns pending images to jobs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bintally.handlers.observability import logger, metrics
from bintally.handlers.settings import settings
from bintally.handlers.wiring import dependencies
from bintally.usecases.schedule import run_schedule


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """The ids of the jobs by what was done with them. The content of the event does not matter."""
    done = run_schedule(
        dependencies(),
        policy=settings().policy,
        now=datetime.now(UTC),
        time_left=lambda: context.get_remaining_time_in_millis() / 1000,
    )
    for name, unit, number in (
        ("JobsSent", MetricUnit.Count, len(done.submission.sent)),
        ("JobsWaiting", MetricUnit.Count, len(done.submission.waiting)),
        ("JobsOverQuota", MetricUnit.Count, done.submission.over_quota),
        ("JobsFailed", MetricUnit.Count, len(done.swept.failed) + len(done.swept.timed_out)),
        ("OldestPendingSeconds", MetricUnit.Seconds, done.oldest_pending.total_seconds()),
        ("ImagesUnaccounted", MetricUnit.Count, done.unaccounted),
    ):
        metrics.add_metric(name, unit, number)
    for status, number in done.swept.status_counts.items():
        metrics.add_metric(f"Images{status.title()}", MetricUnit.Count, number)
    for job_id, reason in done.submission.waiting + done.swept.errors:
        logger.warning("job waits for the next run", extra={"job_id": job_id, "reason": reason})
    return done.facts()
