"""Streams of bins and order lines, the clock, or a direct request → verdicts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bintally.handlers import wiring
from bintally.handlers.observability import logger, metrics
from bintally.handlers.settings import settings
from bintally.handlers.streams import changes_in
from bintally.usecases.reconcile import reconcile


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Answers with how many lines were looked at and which verdicts are new. A stream batch that fails is retried."""
    reconciled = reconcile(
        changes_in(event),
        orders=wiring.orders(),
        bins=wiring.bins(),
        events=wiring.events(),
        thresholds=settings().thresholds,
        zone=settings().zone,
        now=datetime.now(UTC),
    )
    metrics.add_metric("LinesReconciled", MetricUnit.Count, reconciled.lines)
    for verdict, number in reconciled.verdicts.items():
        metrics.add_metric(f"Lines{verdict.title()}", MetricUnit.Count, number)
    logger.info("reconciled", extra={"lines": reconciled.lines, "verdicts": reconciled.verdicts})
    return {"lines": reconciled.lines, "verdicts": dict(reconciled.verdicts)}
