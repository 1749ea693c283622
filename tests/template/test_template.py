"""Functions, retention, names, parameters and the endpoint, checked on what CloudFormation receives."""

from __future__ import annotations

import pytest

from tests.template.deployed import AT, Stack, source, stack_without_model
from tests.template.queries import (
    FUNCTIONS,
    STACK,
    STATEFUL,
    properties_of,
    sources_of,
)

# Properties that end in Name and name something else.
REFERENCES = {"EndpointConfigName", "MetricName"}
# Names inside a resource that has the stack's name: the stages of an API and the groups of a user pool.
INNER = {"StageName", "GroupName"}


# ---- Functions


def test_these_are_all_the_functions() -> None:
    assert set(properties_of("AWS::Lambda::Function")) == FUNCTIONS


def test_every_function_logs_to_its_own_group_with_retention() -> None:
    groups = {group["LogGroupName"]: group for group in properties_of("AWS::Logs::LogGroup").values()}
    used = {name: f["LoggingConfig"]["LogGroup"] for name, f in properties_of("AWS::Lambda::Function").items()}

    assert len(set(used.values())) == len(used)
    for name, group in used.items():
        assert int(groups[group]["RetentionInDays"]) > 0, name


def test_functions_agree_on_code_and_settings() -> None:
    functions = properties_of("AWS::Lambda::Function").values()

    assert {function["Runtime"] for function in functions} == {"python3.13"}
    environments = {name: STACK.environment(name) for name in FUNCTIONS}
    desk = environments.pop("DeskFunction")  # the only one that people talk to
    shared = {name: value for name, value in desk.items() if not name.startswith("DESK_")}
    model = environments.pop("ModelFunction")
    assert set(model.items()) - set(shared.items()) == {
        ("BINTALLY_IMAGE_BUCKETS", STACK.outputs["IntakeBucket"]),
        ("SUCCESS_TOPIC", STACK.outputs["SuccessTopic"]),
        ("ORT_DISABLE_TELEMETRY", "1"),
    }
    assert all(environment == shared for environment in environments.values())


def test_no_variable_redirects_the_requests_of_a_function() -> None:
    """On AWS no variable may send a function's requests elsewhere."""
    assert [name for name in STACK.environment("IntakeFunction") if name.startswith("AWS_")] == []


# ---- What is kept, and what a stack is called


def test_stateful_resources_outlive_the_stack_but_not_a_failed_create() -> None:
    """With Retain, a failed first create leaves the names behind, and the next one fails on them."""
    for name, resource in STACK.resources.items():
        if resource["Type"] in STATEFUL:
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate", name
            assert resource["UpdateReplacePolicy"] == "Retain", name  # there is no other that keeps


def test_tables_are_encrypted_and_can_be_restored() -> None:
    for name, table in properties_of("AWS::DynamoDB::Table").items():
        assert table["SSESpecification"] == {"SSEEnabled": True}, name
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, name


def test_tables_can_be_protected_from_deletion_after_creation() -> None:
    """Not in the first deployment: where that fails, CloudFormation could not remove them."""
    protected = Stack(DeletionProtection="true").of_type("AWS::DynamoDB::Table")

    assert {t["DeletionProtectionEnabled"] for t in properties_of("AWS::DynamoDB::Table").values()} == {"false"}
    assert {t["DeletionProtectionEnabled"] for t in protected.values()} == {"true"}


def test_a_first_burst_stays_below_the_capacity_of_a_new_table() -> None:
    """Every run at once with a full batch, two write units for each image of a transaction."""
    (intake,) = [m for m in sources_of("sqs").values() if m["FunctionName"] == "bintally-intake"]
    images = intake["ScalingConfig"]["MaximumConcurrency"] * int(intake["BatchSize"])

    assert images * 2 <= source()["Parameters"]["WarmWriteUnits"]["Default"] == 4000


def test_tables_can_be_warmed_up_before_a_burst() -> None:
    warmed = Stack(WarmWriteUnits="20000").of_type("AWS::DynamoDB::Table")
    wanted = {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": "20000"}
    indexes = [index["WarmThroughput"] for index in warmed["ImagesTable"]["GlobalSecondaryIndexes"]]

    assert warmed["ImagesTable"]["WarmThroughput"] == warmed["BinsTable"]["WarmThroughput"] == wanted
    assert indexes == [wanted] * 3, "a slow index slows its table"
    assert "WarmThroughput" not in properties_of("AWS::DynamoDB::Table")["ImagesTable"]


def test_topics_are_encrypted() -> None:
    for name, topic in properties_of("AWS::SNS::Topic").items():
        assert topic["KmsMasterKeyId"], name


def test_two_stacks_can_exist_side_by_side() -> None:
    """Whatever has a fixed name has the stack's name in it."""
    named = [
        (logical_id, key, value)
        for logical_id, resource in STACK.resources.items()
        for key, value in resource["Properties"].items()
        if key in ("Name", "PolicyName") or (key.endswith("Name") and key not in REFERENCES | INNER)
    ]
    assert [entry for entry in named if "bintally" not in entry[2]] == []


# ---- Parameters, conditions, outputs


def test_every_parameter_is_described_and_limited() -> None:
    for name, facts in source()["Parameters"].items():
        assert len(facts["Description"]) > 20, name
        limits = {"AllowedValues", "AllowedPattern", "MaxLength"} & set(facts)
        assert limits or {"MinValue", "MaxValue"} <= set(facts), name


def test_every_parameter_is_grouped_for_the_console() -> None:
    groups = source()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]

    assert sorted(grouped) == sorted(source()["Parameters"])


def test_every_output_is_described() -> None:
    for name, output in source()["Outputs"].items():
        assert output["Description"].endswith("."), name


def test_without_a_model_everything_else_is_deployed() -> None:
    assert set(STACK.resources) - set(stack_without_model().resources) == {
        "AlertsByEmail",
        "CounterBacklogPolicy",
        "CounterEndpoint",
        "CounterEndpointConfig",
        "CounterModel",
        "CounterRole",
        "CounterScaling",
        "CounterWakeAlarm",
        "CounterWakePolicy",
        "EndpointAgeAlarm",
        "EndpointExpiredAlarm",
        "EndpointFailuresAlarm",
        "EndpointLogs",
        "NoCapacityAlarm",
    } | {name for name in STACK.resources if name.startswith("Webhook")}
    others = {name: value for name, value in STACK.outputs.items() if not name.startswith("Webhook")}
    assert stack_without_model().outputs == others


def test_the_desk_is_optional() -> None:
    """Some regions have no user pools."""
    without = Stack(ModelImageUri="image", AlertEmail="a@example.com", WebhookUrl="https://a.example", Desk="off")
    desk = {name for name in STACK.resources if name.startswith("Desk")}

    assert set(STACK.resources) - set(without.resources) == desk
    assert not [
        each for each in without.resources.values() if "Cognito" in each["Type"] or "ApiGateway" in each["Type"]
    ]
    assert not [name for name in without.outputs if name.startswith("Desk")]


def test_the_endpoint_notifies_the_results_queue() -> None:
    (config,) = properties_of("AWS::SageMaker::EndpointConfig").values()
    output = config["AsyncInferenceConfig"]["OutputConfig"]
    topics = properties_of("AWS::SNS::Topic")

    notified = set(output["NotificationConfig"].values())
    assert notified == set(STACK.environment("CollectFunction")["RESULT_TOPICS"].split(","))
    for name in ("SuccessTopic", "ErrorTopic"):
        assert topics[name]["Subscription"] == [
            {"Protocol": "sqs", "Endpoint": f"arn:aws:sqs:{AT}:bintally-ResultsQueue"}
        ]
    jobs = STACK.environment("CollectFunction")["JOBS_BUCKET"]
    assert output["S3OutputPath"] == f"s3://{jobs}/async/output/"
    assert output["S3FailurePath"] == f"s3://{jobs}/async/failure/"


def test_an_endpoint_scales_up_from_zero_instances() -> None:
    (scaling,) = properties_of("AWS::ApplicationAutoScaling::ScalableTarget").values()
    alarm = properties_of("AWS::CloudWatch::Alarm")["CounterWakeAlarm"]

    assert scaling["MinCapacity"] == 0
    assert alarm["MetricName"] == "HasBacklogWithoutCapacity"
    assert (alarm["Period"], alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (60, 2, 2)


def test_an_instance_type_can_be_changed_with_scaling_off() -> None:
    """SageMaker refuses to change the instance type of a variant that scales: first off, then the new type and on."""
    off = Stack(ModelImageUri="image", EndpointScaling="off")

    assert set(Stack(ModelImageUri="image").resources) - set(off.resources) == {
        "CounterBacklogPolicy",
        "CounterScaling",
        "CounterWakeAlarm",
        "CounterWakePolicy",
    }
    assert source()["Resources"]["CounterScaling"]["DependsOn"] == "CounterEndpoint"


def test_an_update_keeps_the_instances_that_an_endpoint_has() -> None:
    (endpoint,) = properties_of("AWS::SageMaker::Endpoint").values()

    assert endpoint["RetainAllVariantProperties"] is True


def test_the_logs_of_the_model_have_retention() -> None:
    groups = {g["LogGroupName"]: g for g in properties_of("AWS::Logs::LogGroup").values()}
    owning = Stack(TransformLogs="owned").of_type("AWS::Logs::LogGroup")
    (endpoint,) = properties_of("AWS::SageMaker::Endpoint").values()

    assert int(groups[f"/aws/sagemaker/Endpoints/{endpoint['EndpointName']}"]["RetentionInDays"]) > 0
    assert STACK.resources["CounterEndpoint"]["DependsOn"] == "EndpointLogs", "else SageMaker makes the group first"
    assert owning["TransformJobLogs"] == {"LogGroupName": "/aws/sagemaker/TransformJobs", "RetentionInDays": "30"}


@pytest.mark.parametrize(("bucket", "queue"), [("IntakeBucket", "IntakeQueue"), ("OrdersBucket", "OrdersQueue")])
def test_a_bucket_notifies_its_queue_of_every_new_object(bucket: str, queue: str) -> None:
    notifications = STACK.resources[bucket]["Properties"]["NotificationConfiguration"]

    assert notifications == {
        "QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": f"arn:aws:sqs:{AT}:bintally-{queue}"}]
    }
