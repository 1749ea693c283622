"""Reconciles order lines: after changes of bins or lines (streams), on a schedule, or on request."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bintally.handlers.observability import logger, metrics
from bintally.handlers.settings import settings
from bintally.handlers.wiring import dependencies
from bintally.messages.streams import parse_changes
from bintally.usecases.reconcile import reconcile
from bintally.usecases.site_settings import current_rules


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """The number of lines that were checked, and of new verdicts by kind. A stream batch that fails is retried."""
    rules, fault = current_rules(dependencies().site_settings, settings().verdict_rules)
    if fault:
        logger.warning("settings ignored", extra={"reason": fault})
    metrics.add_metric("SettingsIgnored", MetricUnit.Count, int(bool(fault)))
    reconciled = reconcile(
        dependencies(),
        parse_changes(event),
        rules=rules,
        now=datetime.now(UTC),
        zone=settings().zone,
        second_look=settings().second_look,
    )
    metrics.add_metric("LinesReconciled", MetricUnit.Count, reconciled.lines)
    for verdict, number in reconciled.verdicts.items():
        metrics.add_metric(f"Lines{verdict.title()}", MetricUnit.Count, number)
    logger.info("reconciled", extra={"lines": reconciled.lines, "verdicts": reconciled.verdicts})
    return {"lines": reconciled.lines, "verdicts": dict(reconciled.verdicts)}
