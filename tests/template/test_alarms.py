"""The alarms: what raises them, and that they arrive."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.template.deployed import AT, ROOT, Stack, stack_without_model
from tests.template.queries import FUNCTIONS, STACK, condition_keys, properties_of, statements

ALERTS = f"arn:aws:sns:{AT}:bintally-alerts"
# They scale the endpoint; nobody needs to know.
FOR_SCALING = {"CounterWakeAlarm"}
ALARMS = {name: a for name, a in properties_of("AWS::CloudWatch::Alarm").items() if name not in FOR_SCALING}
# Metrics that the functions count themselves.
OURS = {"OldestPendingSeconds", "ImagesUnaccounted", "ImagesFailed", "JobsFailed", "JobsOverQuota"}
COMMANDS = {f"bintally {name}" for name in ("redrive", "audit", "retry", "jobs", "settings", "export")}


def on(metric: str) -> dict[str, dict[str, Any]]:
    """The alarms on a metric, by what they watch."""
    found = [alarm for alarm in ALARMS.values() if alarm["MetricName"] == metric]
    return {alarm["Dimensions"][0]["Value"]: alarm for alarm in found}


def minutes(alarm: dict[str, Any]) -> float:
    """How long a metric has to be out of bounds."""
    return float(alarm["Period"] * alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]) / 60)


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_reaches_the_operator_and_says_what_to_do(name: str) -> None:
    alarm = ALARMS[name]

    assert alarm["AlarmActions"] == [ALERTS]
    says, *does = alarm["AlarmDescription"].split(". ")
    assert len(says) > 20
    assert len(does) >= 2, "what is wrong, then what to do"
    assert does[-1] == "See docs/operate.md#alarms."
    assert alarm["TreatMissingData"] in ("notBreaching", "breaching", "missing")


def test_alarms_may_publish_what_is_sealed_with_the_topics_key() -> None:
    let_in = {
        (name, action): condition_keys(statement)
        for name, statement in statements("Allow")
        if statement.get("Principal") == {"Service": "cloudwatch.amazonaws.com"}
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }

    assert set(let_in) == {
        ("AlertsTopicPolicy", "sns:Publish"),
        ("TopicsKey", "kms:Decrypt"),
        ("TopicsKey", "kms:GenerateDataKey"),
    }
    assert {keys["aws:SourceAccount"] for keys in let_in.values()} == {"000000000000"}


def test_every_dead_letter_raises_an_alarm() -> None:
    queues = {f"bintally-{name}" for name in properties_of("AWS::SQS::Queue") if name.endswith("DeadLetters")}
    alarms = on("ApproximateNumberOfMessagesVisible")

    assert set(alarms) == queues
    for name, alarm in alarms.items():
        assert (alarm["Statistic"], alarm["Threshold"], alarm["ComparisonOperator"]) == (
            "Maximum",
            0,
            "GreaterThanThreshold",
        ), name
        assert minutes(alarm) <= 5, name


def test_every_dead_letter_queue_is_known_by_its_name() -> None:
    """So that no such queue is without an alarm."""
    queues = properties_of("AWS::SQS::Queue")
    consumed = {name for name, queue in queues.items() if "RedrivePolicy" in queue}

    assert {name for name in queues if not name.endswith("DeadLetters")} == consumed


def test_photos_orders_and_results_that_wait_too_long_raise_an_alarm() -> None:
    queues = {f"bintally-{name}Queue" for name in ("Intake", "Orders", "Results")}

    assert set(on("ApproximateAgeOfOldestMessage")) == queues
    assert on("OldestPendingSeconds")["bintally"]["Threshold"] == 1800


@pytest.mark.parametrize("metric", sorted(OURS))
def test_alarms_watch_the_metrics_that_functions_publish(metric: str) -> None:
    environment = STACK.environment("SubmitFunction")
    (alarm,) = on(metric).values()

    assert alarm["Namespace"] == environment["POWERTOOLS_METRICS_NAMESPACE"]
    assert alarm["Dimensions"] == [{"Name": "service", "Value": environment["POWERTOOLS_SERVICE_NAME"]}]
    assert alarm["TreatMissingData"] == "notBreaching"


def test_the_alarms_of_two_stacks_are_independent() -> None:
    for name, alarm in ALARMS.items():
        assert any("bintally" in dimension["Value"] for dimension in alarm["Dimensions"]), name


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_every_failed_or_throttled_function_raises_an_alarm(metric: str) -> None:
    alarms = on(metric)

    assert set(alarms) == {STACK.resources[name]["Properties"]["FunctionName"] for name in FUNCTIONS}
    assert {(alarm["Statistic"], alarm["Threshold"]) for alarm in alarms.values()} == {("Sum", 0)}


def test_a_stopped_schedule_raises_an_alarm() -> None:
    """It finds what was lost, and nothing else shows that it stopped."""
    (alarm,) = on("Invocations").values()

    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": "bintally-submit"}]
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert alarm["TreatMissingData"] == "breaching"


def test_manifests_without_an_instance_raise_an_alarm() -> None:
    (alarm,) = on("HasBacklogWithoutCapacity").values()

    assert minutes(alarm) == 15
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Minimum", 1)
    assert "NoCapacityAlarm" not in stack_without_model().resources


@pytest.mark.parametrize("metric", ["ExpiredRequests", "InvocationFailures", "ApproximateAgeOfOldestRequest"])
def test_an_endpoint_that_loses_or_fails_requests_raises_an_alarm(metric: str) -> None:
    """SageMaker publishes what happened to requests for each variant, and the age of the oldest for the endpoint."""
    (alarm,) = (each for each in ALARMS.values() if each["MetricName"] == metric)
    dimensions = {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
    variant = {} if metric.startswith("Approximate") else {"VariantName": "AllTraffic"}

    assert alarm["Namespace"] == "AWS/SageMaker"
    assert dimensions == {"EndpointName": STACK.outputs["EndpointName"]} | variant


def test_waiting_requests_raise_an_alarm_long_before_they_expire() -> None:
    (alarm,) = on("ApproximateAgeOfOldestRequest").values()

    assert alarm["Threshold"] <= 6 * 3600 / 2


def test_the_document_has_a_row_for_every_alarm() -> None:
    section = (ROOT / "docs/operate.md").read_text().partition("\n## Alarms\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(\w+Alarm)`", section))

    assert named == set(ALARMS) | {"CanaryAlarm"}  # which only SmokeAlarm=on makes


def test_alarms_name_existing_commands() -> None:
    named = {
        f"bintally {alarm['AlarmDescription'].partition('bintally ')[2].split()[0].strip('.,')}"
        for alarm in ALARMS.values()
        if "bintally " in alarm["AlarmDescription"]
    }

    assert named == COMMANDS


def test_an_alarm_address_is_optional() -> None:
    always = {name for name in ALARMS if not name.startswith("Webhook")}

    assert always <= set(Stack(ModelImageUri="image").resources)
