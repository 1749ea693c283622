"""Queues of the template, their dead-letter queues and consumers."""

from __future__ import annotations

from tests.template.deployed import Stack, source
from tests.template.queries import (
    STACK,
    condition_keys,
    function_named,
    get_arn,
    properties_of,
    queue_of,
    sources_of,
)


def test_every_queue_is_encrypted() -> None:
    for name, queue in properties_of("AWS::SQS::Queue").items():
        assert queue.get("SqsManagedSseEnabled") is True or "KmsMasterKeyId" in queue, name


def test_every_queue_requires_tls() -> None:
    refusing = {
        statement["Resource"]
        for policy in properties_of("AWS::SQS::QueuePolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if condition_keys(statement) == {"aws:SecureTransport": "false"}
        and (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "sqs:*")
        and policy["Queues"]
        == [f"https://sqs.us-east-1.amazonaws.com/000000000000/{statement['Resource'].split(':')[-1]}"]
    }

    assert refusing == {STACK.resolve(get_arn(name)) for name in properties_of("AWS::SQS::Queue")}


def test_a_consumed_queue_has_a_dead_letter_queue_without_a_consumer() -> None:
    consumed = {mapping["EventSourceArn"] for mapping in sources_of("sqs").values()}
    for arn in consumed:
        redrive = queue_of(arn)["RedrivePolicy"]
        assert 3 <= redrive["maxReceiveCount"] <= 10, arn
        assert redrive["deadLetterTargetArn"] not in consumed, arn
        assert queue_of(redrive["deadLetterTargetArn"])["MessageRetentionPeriod"] == 14 * 24 * 3600, arn


def test_the_visibility_timeout_is_six_times_the_functions() -> None:
    """As AWS advises, plus the longest batch window, during which Lambda already holds the message."""
    longest = source()["Parameters"]["BatchWindow"]["MaxValue"]
    for name, mapping in sources_of("sqs").items():
        timeout = function_named(mapping["FunctionName"])["Timeout"]
        window = longest if "MaximumBatchingWindowInSeconds" in mapping else 0
        assert queue_of(mapping["EventSourceArn"])["VisibilityTimeout"] >= 6 * timeout + window, name


def test_only_failed_messages_of_a_batch_are_retried() -> None:
    for name, mapping in sources_of("sqs").items():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name
        assert 2 <= mapping["ScalingConfig"]["MaximumConcurrency"] <= 1000, name


def test_a_batch_of_more_than_ten_has_a_window() -> None:
    for name, mapping in (
        Stack(MicroBatchSize="1000", BatchWindow="1").of_type("AWS::Lambda::EventSourceMapping").items()
    ):
        if int(mapping["BatchSize"]) > 10 and ":sqs:" in mapping["EventSourceArn"]:
            assert int(mapping["MaximumBatchingWindowInSeconds"]) >= 1, name


def test_a_stream_has_a_retry_limit_and_a_failure_destination() -> None:
    for name, mapping in sources_of("dynamodb").items():
        assert 1 <= mapping["MaximumRetryAttempts"] <= 100, name
        assert mapping["BisectBatchOnFunctionError"] is True, name
        assert queue_of(mapping["DestinationConfig"]["OnFailure"]["Destination"]), name


def test_rules_and_schedules_have_dead_letter_queues() -> None:
    targets = [target for rule in properties_of("AWS::Events::Rule").values() for target in rule["Targets"]]
    for target in targets:
        assert 1 <= target["RetryPolicy"]["MaximumRetryAttempts"] <= 185, target
        assert queue_of(target["DeadLetterConfig"]["Arn"]), target
    for name, schedule in properties_of("AWS::Scheduler::Schedule").items():
        assert queue_of(schedule["Target"]["DeadLetterConfig"]["Arn"]), name
