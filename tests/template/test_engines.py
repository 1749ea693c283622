"""The engines: their settings, the model they share, and the way of a transform job's end to collect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bintally.messages.streams import parse_changes

from tests.template.deployed import AT, ROOT, Stack, source
from tests.template.queries import (
    STACK,
    condition_keys,
    listed,
    policy_documents,
    properties_of,
    queue_of,
    to_services,
)

TRANSFORM_EVENTS = sorted((ROOT / "events" / "collect").glob("transform-*.json"))
# Parameter, value that is not its default, variable.
SETTINGS = [
    ("InferenceMode", "auto", "INFERENCE_MODE"),
    ("LambdaThreshold", "100", "LAMBDA_THRESHOLD"),
    ("BatchThreshold", "20000", "BATCH_THRESHOLD"),
    ("BatchInstanceTypes", "ml.m5.large,ml.c5.large", "BATCH_INSTANCE_TYPES"),
    ("BatchInstances", "7", "BATCH_INSTANCES"),
    ("MaxAttempts", "5", "MAX_ATTEMPTS"),
    ("RetryDelay", "30", "RETRY_DELAY"),
    ("SweepAfter", "240", "SWEEP_AFTER"),
    ("JobTimeout", "30000", "JOB_TIMEOUT"),
    ("MaxRequests", "9", "MAX_REQUESTS"),
    ("MaxTransformJobs", "2", "MAX_TRANSFORM_JOBS"),
    ("MaxInvocations", "9", "MAX_INVOCATIONS"),
]


def event_in(path: Path) -> dict[str, Any]:
    """What EventBridge hands to the queue."""
    (record,) = json.loads(path.read_text())["Records"]
    body: dict[str, Any] = json.loads(record["body"])
    return body


def takes(pattern: Any, value: Any) -> bool:
    """Whether an event pattern of exact values matches an event, as in EventBridge."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(name in value and takes(pattern[name], value[name]) for name in pattern)
    return value in pattern


def rule() -> dict[str, Any]:
    found: dict[str, Any] = STACK.resources["TransformRule"]["Properties"]
    return found


def allowed(function: str, action: str) -> list[str]:
    """The resources on which a function's own policies allow an action."""
    documents = policy_documents(STACK.resources[f"{function}Role"]["Properties"]["Policies"])
    found = [s for document in documents for s in document["Statement"] if action in listed(s["Action"])]
    return [resource for statement in found for resource in listed(statement["Resource"])]


# ---- Settings


@pytest.mark.parametrize(("parameter", "value", "variable"), SETTINGS)
def test_parameters_reach_the_functions(parameter: str, value: str, variable: str) -> None:
    assert STACK.environment("SubmitFunction")[variable] == str(source()["Parameters"][parameter]["Default"]) != value
    assert Stack(**{parameter: value}).environment("SubmitFunction")[variable] == value


def test_the_endpoint_is_the_default_engine() -> None:
    mode = source()["Parameters"]["InferenceMode"]

    assert (mode["Default"], mode["AllowedValues"]) == ("async", ["async", "batch", "lambda", "auto"])


def test_a_request_times_out_only_after_sagemaker_has_dropped_it() -> None:
    """After RequestTTLSeconds, 6 hours where a request does not say."""
    assert source()["Parameters"]["JobTimeout"]["Default"] > 6 * 3600


def test_manifests_and_predictions_outlive_their_job_and_its_message() -> None:
    """A job may take JobTimeout, and its message may then stay in a dead-letter queue for the retention time."""
    days = source()["Parameters"]["JobsRetentionDays"]["MinValue"]
    longest_job = source()["Parameters"]["JobTimeout"]["MaxValue"]
    longest_message = max(queue["MessageRetentionPeriod"] for queue in properties_of("AWS::SQS::Queue").values())

    assert days * 24 * 3600 > longest_job + longest_message


@pytest.mark.parametrize(("image", "engines"), [("", "lambda"), ("image", "async,batch,lambda")])
def test_the_functions_know_which_engines_the_stack_has(image: str, engines: str) -> None:
    """Endpoint and transform jobs need the container image, the model function has its own code."""
    stack = Stack(ModelImageUri=image, InferenceMode="auto")

    assert stack.environment("SubmitFunction")["ENGINES"] == engines
    assert (
        bool(stack.of_type("AWS::SageMaker::Endpoint")) == bool(stack.of_type("AWS::SageMaker::Model")) == bool(image)
    )
    for function in ("IntakeFunction", "SubmitFunction"):
        assert allowed(function, "lambda:InvokeFunction") == [f"arn:aws:lambda:{AT}:function:bintally-model"]
        assert stack.environment(function)["MODEL_FUNCTION"] == "bintally-model"
    assert stack.resources["ModelFunction"]["Properties"]["FunctionName"] == "bintally-model"


# ---- One model


@pytest.mark.parametrize("version", ["", "2"])
def test_endpoint_and_transform_jobs_have_the_same_model(version: str) -> None:
    stack = Stack(ModelImageUri="image", ModelVersion=version)
    name = stack.of_type("AWS::SageMaker::Model")["CounterModel"]["ModelName"]

    assert name == f"bintally-counter{version}"
    assert stack.environment("SubmitFunction")["MODEL_NAME"] == name == stack.outputs["ModelName"]
    assert stack.resources["TransformRule"]["Properties"]["EventPattern"]["detail"]["ModelName"] == [name]
    (config,) = stack.of_type("AWS::SageMaker::EndpointConfig").values()
    assert config["ProductionVariants"][0]["ModelName"]


def test_the_container_counts_as_many_requests_at_once_as_the_endpoint_sends() -> None:
    stack = Stack(ModelImageUri="image", RequestsPerInstance="8")
    environment = stack.of_type("AWS::SageMaker::Model")["CounterModel"]["PrimaryContainer"]["Environment"]
    (config,) = stack.of_type("AWS::SageMaker::EndpointConfig").values()

    sent_at_once = config["AsyncInferenceConfig"]["ClientConfig"]["MaxConcurrentInvocationsPerInstance"]
    assert environment["BINTALLY_CONCURRENT_REQUESTS"] == sent_at_once == "8"


def test_the_container_knows_its_region() -> None:
    environment = STACK.of_type("AWS::SageMaker::Model")["CounterModel"]["PrimaryContainer"]["Environment"]

    assert environment["AWS_DEFAULT_REGION"] == "us-east-1"


def test_the_model_may_log_from_both_engines() -> None:
    documents = policy_documents(STACK.resources["CounterRole"]["Properties"]["Policies"])
    (logs,) = [s for d in documents for s in d["Statement"] if s.get("Sid") == "WriteLogs"]

    groups = [resource.split(":log-group:")[1] for resource in logs["Resource"]]
    assert groups == ["/aws/sagemaker/Endpoints/bintally-counter*", "/aws/sagemaker/TransformJobs*"]


# ---- The end of a transform job


@pytest.mark.parametrize("path", TRANSFORM_EVENTS, ids=lambda path: path.stem)
def test_the_rule_matches_the_end_of_a_transform_job(path: Path) -> None:
    assert takes(rule()["EventPattern"], event_in(path))


def test_there_is_an_event_for_every_end_of_a_transform_job() -> None:
    details = [event_in(path)["detail"] for path in TRANSFORM_EVENTS]

    assert {detail["TransformJobStatus"] for detail in details} == set(
        rule()["EventPattern"]["detail"]["TransformJobStatus"]
    )
    assert {type(detail["CreationTime"]) for detail in details} == {str, int}, "both forms that are seen of a time"
    assert any((detail.get("FailureReason") or "").startswith("CapacityError: ") for detail in details)


@pytest.mark.parametrize(
    "change", [{"TransformJobStatus": "InProgress"}, {"TransformJobStatus": "Stopping"}, {"ModelName": "other"}]
)
def test_the_rule_ignores_running_and_foreign_jobs(change: dict[str, str]) -> None:
    event = event_in(TRANSFORM_EVENTS[0])

    assert not takes(rule()["EventPattern"], event | {"detail": event["detail"] | change})
    assert not takes(rule()["EventPattern"], event | {"source": "bintally"})


def test_the_rule_sends_to_the_results_queue() -> None:
    (target,) = rule()["Targets"]

    assert target["Arn"] == f"arn:aws:sqs:{AT}:bintally-ResultsQueue"
    assert target.keys() & {"Input", "InputPath", "InputTransformer"} == set()


def test_undelivered_events_are_in_a_queue_that_redrive_reads() -> None:
    (target,) = rule()["Targets"]

    assert target["DeadLetterConfig"]["Arn"] == queue_of(target["Arn"])["RedrivePolicy"]["deadLetterTargetArn"]


def test_the_rule_alone_may_send_from_eventbridge_to_both_queues() -> None:
    from_events = {
        (statement["Resource"].rpartition("-")[2], condition_keys(statement)["aws:SourceArn"])
        for _, statement in to_services()
        if statement["Principal"] == {"Service": "events.amazonaws.com"} and "Results" in str(statement["Resource"])
    }

    arn = f"arn:aws:events:{AT}:rule/bintally-TransformRule"
    assert from_events == {("ResultsQueue", arn), ("ResultsDeadLetters", arn)}


# ---- What finds the rest


def test_submit_runs_every_minute() -> None:
    (schedule,) = [each for each in properties_of("AWS::Scheduler::Schedule").values() if "Input" not in each["Target"]]

    assert schedule["Name"] == "bintally-submit"
    assert schedule["ScheduleExpression"] == "rate(1 minute)"
    assert STACK.resources["SubmitFunction"]["Properties"]["Timeout"] == 120


def test_a_scheduled_run_that_failed_is_not_repeated_beside_the_next_one() -> None:
    """Lambda repeats an asynchronous invocation twice by default; schedules invoke asynchronously."""
    scheduled = {each["Target"]["Arn"] for each in properties_of("AWS::Scheduler::Schedule").values()}
    configured = {
        f"arn:aws:lambda:{AT}:function:{config['FunctionName']}"
        for config in properties_of("AWS::Lambda::EventInvokeConfig").values()
        if (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (0, 60)
    }

    assert configured == scheduled
    for each in properties_of("AWS::Scheduler::Schedule").values():
        assert each["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}


def test_reconcile_runs_every_minute() -> None:
    (schedule,) = [each for each in properties_of("AWS::Scheduler::Schedule").values() if "Input" in each["Target"]]

    assert (schedule["Name"], schedule["ScheduleExpression"]) == ("bintally-clock", "rate(1 minute)")
    assert parse_changes(json.loads(schedule["Target"]["Input"])).overdue


@pytest.mark.parametrize(
    ("table", "index", "keys", "projection"),
    [
        (
            "ImagesTable",
            "Pending",
            ["pending", "due_at"],
            {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["attempts"]},
        ),
        ("ConsignmentsTable", "ByDue", ["due_partition", "due_at"], {"ProjectionType": "KEYS_ONLY"}),
        ("ConsignmentsTable", "ByAttention", ["attention", "attention_rank"], {"ProjectionType": "KEYS_ONLY"}),
        ("DecisionsTable", "ByDay", ["decided_on", "decided_at"], {"ProjectionType": "ALL"}),
        ("JobsTable", "Unfinished", ["unfinished_engine", "touched_at"], {"ProjectionType": "ALL"}),
    ],
)
def test_an_index_contains_what_is_unfinished(
    table: str, index: str, keys: list[str], projection: dict[str, Any]
) -> None:
    properties = STACK.resources[table]["Properties"]
    (found,) = [each for each in properties["GlobalSecondaryIndexes"] if each["IndexName"] == index]

    assert [key["AttributeName"] for key in found["KeySchema"]] == keys
    assert [key["KeyType"] for key in found["KeySchema"]] == ["HASH", "RANGE"]
    assert found["Projection"] == projection
    assert set(keys) <= {attribute["AttributeName"] for attribute in properties["AttributeDefinitions"]}


@pytest.mark.parametrize(
    "table",
    ["ImagesTable", "BinsTable", "ConsignmentsTable", "DecisionsTable", "LeasesTable", "ChecksTable", "JobsTable"],
)
def test_every_attribute_that_is_defined_is_a_key(table: str) -> None:
    """As DynamoDB requires."""
    properties = STACK.resources[table]["Properties"]
    schemas = [properties["KeySchema"], *(i["KeySchema"] for i in properties.get("GlobalSecondaryIndexes", []))]

    defined = {attribute["AttributeName"] for attribute in properties["AttributeDefinitions"]}
    assert defined == {key["AttributeName"] for schema in schemas for key in schema}


@pytest.mark.parametrize("function", ["SubmitFunction", "CollectFunction"])
def test_a_missing_object_is_recognised(function: str) -> None:
    """Without ListBucket, S3 answers AccessDenied and not NoSuchKey; a condition on the prefix never matches."""
    documents = policy_documents(STACK.resources[f"{function}Role"]["Properties"]["Policies"])
    (listing,) = [s for d in documents for s in d["Statement"] if s["Action"] == "s3:ListBucket"]

    assert listing["Resource"] == f"arn:aws:s3:::{STACK.outputs['JobsBucket']}"
    assert "Condition" not in listing


def test_submit_starts_only_its_own_transform_jobs() -> None:
    for action in ("sagemaker:CreateTransformJob", "sagemaker:DescribeTransformJob"):
        assert allowed("SubmitFunction", action) == [f"arn:aws:sagemaker:{AT}:transform-job/batch-*"]
        for function in ("IntakeFunction", "CollectFunction", "OrdersFunction", "ReconcileFunction"):
            assert allowed(function, action) == []


def test_a_delivery_that_fills_a_manifest_is_the_largest_there_is() -> None:
    """`auto` takes it as a sign of a backlog; with smaller deliveries no backlog would be detected."""
    assert source()["Resources"]["IntakeFunction"]["Properties"]["Events"]["Images"]["Properties"]["BatchSize"] == {
        "Ref": "MicroBatchSize"
    }
