"""What template.yaml's alarms listen for, against what the functions measure."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.template.deployed import stack
from tests.unit.functions.handlers.lambdas import event, run

HEARD = sorted(
    alarm["MetricName"]
    for alarm in stack().of_type("AWS::CloudWatch::Alarm").values()
    if alarm["Namespace"] == stack().environment("SubmitFunction")["POWERTOOLS_METRICS_NAMESPACE"]
)


@pytest.fixture
def measured(
    on_aws: dict[str, str], setting: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> set[tuple[str, str]]:
    """(metric, service) of all that was measured while a photo failed for good."""
    setting("MAX_ATTEMPTS", "1")
    run("intake", event("intake/s3-eventbridge.json"))
    run("collect", event("collect/async-failure.json"))
    run("submit", event("submit/schedule.json"))
    run("reconcile", event("reconcile/request.json"))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    return {
        (metric["Name"], line["service"])
        for line in lines for block in line["_aws"]["CloudWatchMetrics"] for metric in block["Metrics"]
    }  # fmt: skip


def test_every_alarm_listens_for_something_that_is_measured(measured: set[tuple[str, str]]) -> None:
    assert HEARD
    for alarm in stack().of_type("AWS::CloudWatch::Alarm").values():
        if alarm["MetricName"] in HEARD:
            (dimension,) = alarm["Dimensions"]
            assert (alarm["MetricName"], dimension["Value"]) in measured
