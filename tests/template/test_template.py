"""The rules that template.yaml keeps, checked on what CloudFormation is given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from botocore.session import get_session

from tests.template.deployed import AT, Stack, source, stack, stack_without_model

STACK = stack()
STATEFUL = ("AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::DynamoDB::Table", "AWS::KMS::Key")
FUNCTIONS = {"IntakeFunction", "SubmitFunction", "CollectFunction", "OrdersFunction", "ReconcileFunction"}

# (logical id, action) that may be allowed on every resource, and why.
ON_EVERY_RESOURCE = {
    ("CounterRole", "ecr:GetAuthorizationToken"): "the action takes no resource",
    ("CounterRole", "cloudwatch:PutMetricData"): "the action takes no resource; a condition names the namespaces",
    **{
        (f"{name}Role", action): "the action takes no resource"
        for name in sorted(FUNCTIONS)
        for action in ("xray:PutTraceSegments", "xray:PutTelemetryRecords")
    },
    ("TopicsKey", "kms:*"): "in a key's own policy, * is this key",
    ("TopicsKey", "kms:Decrypt"): "in a key's own policy, * is this key",
    ("TopicsKey", "kms:GenerateDataKey"): "in a key's own policy, * is this key",
}
# Actions with a * that may be allowed, and why.
EVERY_ACTION = {("TopicsKey", "kms:*"): "whoever administers the account administers the key"}


# Properties that end in Name and name something else.
REFERENCES = {"EndpointConfigName", "MetricName"}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def properties_of(kind: str) -> dict[str, Any]:
    found = STACK.of_type(kind)
    assert found, f"the template has no {kind}: this test would check nothing"
    return found


def statements(effect: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each policy statement with that effect, and the logical id of the resource that holds it."""
    for name, resource in STACK.resources.items():
        for document in policy_documents(resource["Properties"]):
            yield from ((name, statement) for statement in document["Statement"] if statement["Effect"] == effect)


def policy_documents(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for item in node:
            yield from policy_documents(item)
    elif isinstance(node, dict):
        if "Statement" in node:
            yield node
        for item in node.values():
            yield from policy_documents(item)


def to_services(effect: str = "Allow") -> Iterator[tuple[str, dict[str, Any]]]:
    """Statements of resource-based policies that let an AWS service in."""
    for name, statement in statements(effect):
        principal = statement.get("Principal", {})
        if (
            isinstance(principal, dict)
            and "Service" in principal
            and "sts:AssumeRole" not in listed(statement["Action"])
        ):
            yield name, statement


def condition_keys(statement: dict[str, Any]) -> dict[str, Any]:
    return {key: value for keys in statement.get("Condition", {}).values() for key, value in keys.items()}


def sources_of(kind: str) -> dict[str, Any]:
    """Event source mappings of a service: `sqs` or `dynamodb`."""
    mappings = properties_of("AWS::Lambda::EventSourceMapping")
    found = {name: mapping for name, mapping in mappings.items() if mapping["EventSourceArn"].split(":")[2] == kind}
    assert found
    return found


def queue_of(arn: str) -> dict[str, Any]:
    return next(
        queue for name, queue in properties_of("AWS::SQS::Queue").items() if STACK.resolve(get_arn(name)) == arn
    )


def get_arn(name: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, "Arn"]}


def function_named(name: str) -> dict[str, Any]:
    return next(f for f in properties_of("AWS::Lambda::Function").values() if f["FunctionName"] == name)


def missing(names: Iterable[str], wanted: Iterable[str]) -> list[str]:
    return sorted(set(wanted) - set(names))


# ---- Buckets


@pytest.mark.parametrize("name", ["IntakeBucket", "OrdersBucket", "JobsBucket", "AccessLogsBucket"])
def test_a_bucket_is_private_encrypted_and_versioned(name: str) -> None:
    bucket = STACK.resources[name]["Properties"]
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert bucket["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    # S3 delivers access logs to no bucket with a KMS key.
    expected = "AES256" if name == "AccessLogsBucket" else "aws:kms"
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == expected
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}


def test_these_are_all_the_buckets() -> None:
    assert set(properties_of("AWS::S3::Bucket")) == {"IntakeBucket", "OrdersBucket", "JobsBucket", "AccessLogsBucket"}


def test_unfinished_uploads_end() -> None:
    for name, bucket in properties_of("AWS::S3::Bucket").items():
        rules = bucket["LifecycleConfiguration"]["Rules"]
        ending = [rule for rule in rules if "AbortIncompleteMultipartUpload" in rule and "Prefix" not in rule]
        assert [rule["Status"] for rule in ending] == ["Enabled"], name


def rules_of(bucket: str, stack: Stack = STACK) -> dict[str, Any]:
    return {rule["Id"]: rule for rule in stack.of_type("AWS::S3::Bucket")[bucket]["LifecycleConfiguration"]["Rules"]}


def test_old_versions_end_in_every_bucket() -> None:
    for name, bucket in properties_of("AWS::S3::Bucket").items():
        rules = bucket["LifecycleConfiguration"]["Rules"]
        assert [r for r in rules if "NoncurrentVersionExpiration" in r and r["Status"] == "Enabled"], name


def test_photos_are_kept_unless_the_operator_says_how_long() -> None:
    deleting = rules_of("IntakeBucket", Stack(PhotoRetentionDays="730"))["DeletePhotos"]

    assert rules_of("IntakeBucket")["DeletePhotos"]["Status"] == "Disabled"
    assert (deleting["Status"], deleting["ExpirationInDays"]) == ("Enabled", "730")


def test_photos_become_cheaper_with_time() -> None:
    (move,) = rules_of("IntakeBucket", Stack(PhotoTieringDays="60"))["TierPhotos"]["Transitions"]

    assert move == {"StorageClass": "INTELLIGENT_TIERING", "TransitionInDays": "60"}


def test_an_old_version_is_kept_for_as_long_as_a_job_may_ask_for_it() -> None:
    days = source()["Parameters"]["OldVersionDays"]["MinValue"]

    assert days >= source()["Parameters"]["JobsRetentionDays"]["MinValue"]


def test_it_is_recorded_who_read_a_photo() -> None:
    buckets = properties_of("AWS::S3::Bucket")
    logs = buckets["AccessLogsBucket"]["BucketName"]
    recorded = {name: b["LoggingConfiguration"] for name, b in buckets.items() if "LoggingConfiguration" in b}
    (allowed,) = [s for _, s in to_services() if s["Principal"] == {"Service": "logging.s3.amazonaws.com"}]

    assert set(buckets) - set(recorded) == {"AccessLogsBucket"}
    assert {each["DestinationBucketName"] for each in recorded.values()} == {logs}
    assert len({each["LogFilePrefix"] for each in recorded.values()}) == len(recorded)
    assert allowed["Resource"] == f"arn:aws:s3:::{logs}/*"
    sources = condition_keys(allowed)["aws:SourceArn"]
    assert sources == [f"arn:aws:s3:::{buckets[name]['BucketName']}" for name in recorded]


@pytest.mark.parametrize("name", ["IntakeBucket", "OrdersBucket", "JobsBucket", "AccessLogsBucket"])
def test_a_buckets_name_fits_with_the_longest_stack_name(name: str) -> None:
    """28 characters, as docs/deploy.md says: S3 takes 63."""
    bucket_name = STACK.resources[name]["Properties"]["BucketName"]
    open_to_us = ("aws", "aws-cn", "aws-eusc", "aws-us-gov")  # the isolated partitions have longer names
    regions = [region for p in open_to_us for region in get_session().get_available_regions("s3", p)]

    longest = bucket_name.replace("bintally", "s" * 28).replace("us-east-1", max(regions, key=len))
    assert len(longest) <= 63


def test_every_bucket_refuses_what_comes_without_tls() -> None:
    refusing = {}
    for policy in properties_of("AWS::S3::BucketPolicy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            if condition_keys(statement) == {"aws:SecureTransport": "false"} and statement["Effect"] == "Deny":
                refusing[policy["Bucket"]] = statement

    for name, bucket in properties_of("AWS::S3::Bucket").items():
        arn = f"arn:aws:s3:::{bucket['BucketName']}"
        statement = refusing[bucket["BucketName"]]
        assert (statement["Principal"], statement["Action"]) == ("*", "s3:*"), name
        assert sorted(statement["Resource"]) == [arn, f"{arn}/*"], name


# ---- Queues and their consumers


def test_every_queue_is_encrypted() -> None:
    for name, queue in properties_of("AWS::SQS::Queue").items():
        assert queue.get("SqsManagedSseEnabled") is True or "KmsMasterKeyId" in queue, name


def test_every_queue_refuses_what_comes_without_tls() -> None:
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


def test_a_consumed_queue_has_dead_letters_that_nobody_consumes() -> None:
    consumed = {mapping["EventSourceArn"] for mapping in sources_of("sqs").values()}
    for arn in consumed:
        redrive = queue_of(arn)["RedrivePolicy"]
        assert 3 <= redrive["maxReceiveCount"] <= 10, arn
        assert redrive["deadLetterTargetArn"] not in consumed, arn
        assert queue_of(redrive["deadLetterTargetArn"])["MessageRetentionPeriod"] == 14 * 24 * 3600, arn


def test_a_message_stays_hidden_for_six_times_as_long_as_its_function_may_run() -> None:
    """As AWS advises; and for as long as the longest window, in which Lambda holds it already."""
    longest = source()["Parameters"]["BatchWindow"]["MaxValue"]
    for name, mapping in sources_of("sqs").items():
        timeout = function_named(mapping["FunctionName"])["Timeout"]
        window = longest if "MaximumBatchingWindowInSeconds" in mapping else 0
        assert queue_of(mapping["EventSourceArn"])["VisibilityTimeout"] >= 6 * timeout + window, name


def test_a_queue_hands_over_what_failed_and_only_that() -> None:
    for name, mapping in sources_of("sqs").items():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name
        assert 2 <= mapping["ScalingConfig"]["MaximumConcurrency"] <= 1000, name


def test_a_batch_of_more_than_ten_has_a_window() -> None:
    for name, mapping in (
        Stack(MicroBatchSize="1000", BatchWindow="1").of_type("AWS::Lambda::EventSourceMapping").items()
    ):
        if int(mapping["BatchSize"]) > 10 and ":sqs:" in mapping["EventSourceArn"]:
            assert int(mapping["MaximumBatchingWindowInSeconds"]) >= 1, name


def test_a_stream_gives_up_after_a_limit_and_says_where() -> None:
    for name, mapping in sources_of("dynamodb").items():
        assert 1 <= mapping["MaximumRetryAttempts"] <= 100, name
        assert mapping["BisectBatchOnFunctionError"] is True, name
        assert queue_of(mapping["DestinationConfig"]["OnFailure"]["Destination"]), name


def test_rules_and_schedules_keep_what_they_could_not_deliver() -> None:
    targets = [target for rule in properties_of("AWS::Events::Rule").values() for target in rule["Targets"]]
    for target in targets:
        assert 1 <= target["RetryPolicy"]["MaximumRetryAttempts"] <= 185, target
        assert queue_of(target["DeadLetterConfig"]["Arn"]), target
    for name, schedule in properties_of("AWS::Scheduler::Schedule").items():
        assert queue_of(schedule["Target"]["DeadLetterConfig"]["Arn"]), name


# ---- Functions


def test_these_are_all_the_functions() -> None:
    assert set(properties_of("AWS::Lambda::Function")) == FUNCTIONS


def test_every_function_logs_to_a_group_of_its_own_that_forgets() -> None:
    groups = {group["LogGroupName"]: group for group in properties_of("AWS::Logs::LogGroup").values()}
    used = {name: f["LoggingConfig"]["LogGroup"] for name, f in properties_of("AWS::Lambda::Function").items()}

    assert len(set(used.values())) == len(used)
    for name, group in used.items():
        assert int(groups[group]["RetentionInDays"]) > 0, name


def test_functions_agree_on_code_and_settings() -> None:
    functions = properties_of("AWS::Lambda::Function").values()

    assert {function["Runtime"] for function in functions} == {"python3.13"}
    environments = [STACK.environment(name) for name in FUNCTIONS]
    assert all(environment == environments[0] for environment in environments)


def test_a_function_stands_for_itself_in_the_address_that_aws_gives_it() -> None:
    """On AWS no variable may send a function's requests elsewhere."""
    assert [name for name in STACK.environment("IntakeFunction") if name.startswith("AWS_")] == []


# ---- Permissions


def test_nothing_is_allowed_on_every_resource_without_a_reason() -> None:
    for name, statement in statements("Allow"):
        if "*" in listed(statement.get("Resource", [])):
            assert missing((a for n, a in ON_EVERY_RESOURCE if n == name), listed(statement["Action"])) == [], name


def test_no_action_is_a_wildcard_without_a_reason() -> None:
    for name, statement in statements("Allow"):
        for action in listed(statement["Action"]):
            assert "*" not in action or (name, action) in EVERY_ACTION, (name, action)
        assert "NotAction" not in statement, name


def test_every_reason_for_an_exception_is_still_needed() -> None:
    allowed = {(name, action) for name, statement in statements("Allow") for action in listed(statement["Action"])}

    assert set(ON_EVERY_RESOURCE) | set(EVERY_ACTION) <= allowed


def test_roles_have_no_policy_of_aws() -> None:
    """AWS's policies for event sources let a function read every queue, or every stream, of the account."""
    for name, role in properties_of("AWS::IAM::Role").items():
        assert "ManagedPolicyArns" not in role, name


def test_a_function_takes_from_its_own_queue_or_streams_only() -> None:
    for name in FUNCTIONS:
        mappings = properties_of("AWS::Lambda::EventSourceMapping").values()
        function = STACK.resources[name]["Properties"]["FunctionName"]
        own = {mapping["EventSourceArn"] for mapping in mappings if mapping["FunctionName"] == function}
        role = STACK.resources[f"{name}Role"]["Properties"]
        allowed = [s for p in policy_documents(role["Policies"]) for s in p["Statement"]]
        reading = {"sqs:ReceiveMessage", "dynamodb:GetRecords"}
        taken = {arn for s in allowed if reading & set(listed(s["Action"])) for arn in listed(s["Resource"])}
        assert taken == own, name


def test_a_function_logs_to_its_own_group_only() -> None:
    for name in FUNCTIONS:
        role = STACK.resources[f"{name}Role"]["Properties"]
        allowed = [s for p in policy_documents(role["Policies"]) for s in p["Statement"]]
        group = STACK.resources[name]["Properties"]["LoggingConfig"]["LogGroup"]
        groups = [s["Resource"] for s in allowed if "logs:PutLogEvents" in listed(s["Action"])]
        assert groups == [f"arn:aws:logs:{AT}:log-group:{group}:*"], name


def test_a_function_reaches_no_service_beyond_its_work() -> None:
    data = {"dynamodb", "s3", "sqs", "events", "sagemaker", "logs", "xray"}
    for name in FUNCTIONS:
        role = STACK.resources[f"{name}Role"]["Properties"]
        actions = [a for p in policy_documents(role["Policies"]) for s in p["Statement"] for a in listed(s["Action"])]
        assert {action.split(":")[0] for action in actions} <= data, name
        assert not any(action.startswith(("s3:Delete", "dynamodb:Delete")) for action in actions), name


def test_a_service_is_let_in_only_for_a_resource_of_ours() -> None:
    checked = 0
    for name, statement in to_services():
        keys = condition_keys(statement)
        sources = listed(keys.get("aws:SourceArn", keys.get("kms:EncryptionContext:aws:sns:topicArn", [])))
        assert sources or "aws:SourceAccount" in keys, f"{name} lets {statement['Principal']} in for anybody"
        if not all(AT in arn for arn in sources):  # a bucket's ARN says nothing of its account
            assert keys["aws:SourceAccount"] == "000000000000", name
        checked += 1
    assert checked >= 5


def test_eventbridge_may_use_the_key_for_the_alerts_topic_and_sends_no_source() -> None:
    """SNS: aws:SourceAccount and aws:SourceArn in a key's policy are not supported for EventBridge."""
    (statement,) = [s for name, s in to_services() if name == "TopicsKey" and s["Sid"] == "EventBridgePublishes"]

    assert statement["Condition"] == {
        "StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": STACK.outputs["AlertsTopic"]}
    }


def test_sns_is_known_to_the_results_queue_by_its_topics_alone() -> None:
    """SNS documents aws:SourceArn for queues, and no aws:SourceAccount."""
    (statement,) = [s for _, s in to_services() if s["Principal"] == {"Service": "sns.amazonaws.com"}]

    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": [STACK.outputs["SuccessTopic"], STACK.outputs["ErrorTopic"]]}
    }


def test_the_model_reads_images_and_manifests_and_writes_predictions_only() -> None:
    documents = policy_documents(STACK.resources["CounterRole"]["Properties"]["Policies"])
    allowed = [s for document in documents for s in document["Statement"]]
    on_s3 = {
        (action, resource)
        for s in allowed
        for action in listed(s["Action"])
        for resource in listed(s["Resource"])
        if action.startswith("s3:") and action != "s3:ListBucket"
    }

    intake, jobs = (f"arn:aws:s3:::bintally-{kind}-000000000000-us-east-1" for kind in ("intake", "jobs"))
    assert on_s3 == {
        ("s3:GetObject", f"{intake}/*"),
        ("s3:GetObjectVersion", f"{intake}/*"),
        ("s3:GetObject", f"{jobs}/jobs/*"),
        ("s3:PutObject", f"{jobs}/async/*"),
        ("s3:AbortMultipartUpload", f"{jobs}/async/*"),
        ("s3:PutObject", f"{jobs}/jobs/*/output/*"),
        ("s3:AbortMultipartUpload", f"{jobs}/jobs/*/output/*"),
    }


def test_the_models_image_may_lie_in_another_account_and_its_weights_may_be_encrypted() -> None:
    repository = "arn:aws:ecr:us-east-1:111111111111:repository/models/bins"
    key = "arn:aws:kms:us-east-1:111111111111:key/1"
    own = Stack(ModelImageUri="image", ModelRepositoryArn=repository, ModelDataKeyArn=key)

    def resources(of: Stack, action: str) -> list[str]:
        documents = policy_documents(of.resources["CounterRole"]["Properties"]["Policies"])
        return [s["Resource"] for d in documents for s in d["Statement"] if action in listed(s["Action"])]

    assert resources(own, "ecr:BatchGetImage") == [repository]
    assert resources(own, "kms:Decrypt")[1:] == [key]
    assert resources(STACK, "ecr:BatchGetImage") == [f"arn:aws:ecr:{AT}:repository/bintally*"]
    assert len(resources(STACK, "kms:Decrypt")) == 1


def test_the_model_publishes_metrics_of_sagemaker_only() -> None:
    documents = policy_documents(STACK.resources["CounterRole"]["Properties"]["Policies"])
    (statement,) = [s for d in documents for s in d["Statement"] if s["Action"] == "cloudwatch:PutMetricData"]

    assert condition_keys(statement) == {"cloudwatch:namespace": ["AWS/SageMaker", "/aws/sagemaker/*"]}


def test_the_models_own_weights_are_readable_where_they_are_given() -> None:
    own = Stack(ModelImageUri="image", ModelDataUrl="s3://models/counter/model.tar.gz")
    readable = [
        resource
        for document in policy_documents(own.resources["CounterRole"]["Properties"]["Policies"])
        for statement in document["Statement"]
        for resource in listed(statement["Resource"])
    ]

    assert "arn:aws:s3:::models/counter/model.tar.gz" in readable
    assert own.of_type("AWS::SageMaker::Model")["CounterModel"]["PrimaryContainer"]["ModelDataUrl"].startswith("s3://")


# ---- What is kept, and what a stack is called


def test_what_holds_data_outlives_the_stack_but_not_a_first_create_that_failed() -> None:
    """With Retain, a failed first create leaves the names behind, and the next one fails on them."""
    for name, resource in STACK.resources.items():
        if resource["Type"] in STATEFUL:
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate", name
            assert resource["UpdateReplacePolicy"] == "Retain", name  # there is no other that keeps


def test_tables_are_encrypted_and_can_be_restored() -> None:
    for name, table in properties_of("AWS::DynamoDB::Table").items():
        assert table["SSESpecification"] == {"SSEEnabled": True}, name
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, name


def test_tables_can_be_protected_from_deletion_once_they_stand() -> None:
    """Not in the first deployment: where that fails, CloudFormation could not remove them."""
    protected = Stack(DeletionProtection="true").of_type("AWS::DynamoDB::Table")

    assert {t["DeletionProtectionEnabled"] for t in properties_of("AWS::DynamoDB::Table").values()} == {"false"}
    assert {t["DeletionProtectionEnabled"] for t in protected.values()} == {"true"}


def test_a_first_flood_stays_below_what_a_new_table_takes() -> None:
    """Every run at once with a full batch, two write units for each image of a transaction."""
    (intake,) = [m for m in sources_of("sqs").values() if m["FunctionName"] == "bintally-intake"]
    images = intake["ScalingConfig"]["MaximumConcurrency"] * int(intake["BatchSize"])

    assert images * 2 <= source()["Parameters"]["WarmWriteUnits"]["Default"] == 4000


def test_tables_can_be_warmed_up_before_a_flood() -> None:
    warmed = Stack(WarmWriteUnits="20000").of_type("AWS::DynamoDB::Table")
    wanted = {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": "20000"}
    indexes = [index["WarmThroughput"] for index in warmed["ImagesTable"]["GlobalSecondaryIndexes"]]

    assert warmed["ImagesTable"]["WarmThroughput"] == warmed["BinsTable"]["WarmThroughput"] == wanted
    assert indexes == [wanted] * 3, "a slow index slows its table"
    assert "WarmThroughput" not in properties_of("AWS::DynamoDB::Table")["ImagesTable"]


def test_topics_are_encrypted() -> None:
    for name, topic in properties_of("AWS::SNS::Topic").items():
        assert topic["KmsMasterKeyId"], name


def test_two_stacks_can_stand_side_by_side() -> None:
    """Whatever has a fixed name has the stack's name in it."""
    named = [
        (logical_id, key, value)
        for logical_id, resource in STACK.resources.items()
        for key, value in resource["Properties"].items()
        if key in ("Name", "PolicyName") or (key.endswith("Name") and key not in REFERENCES)
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


def test_without_a_model_everything_else_stands() -> None:
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
    }
    assert stack_without_model().outputs == STACK.outputs


def test_the_endpoint_tells_the_queue_that_collect_reads() -> None:
    (config,) = properties_of("AWS::SageMaker::EndpointConfig").values()
    output = config["AsyncInferenceConfig"]["OutputConfig"]
    topics = properties_of("AWS::SNS::Topic")

    told = set(output["NotificationConfig"].values())
    assert told == set(STACK.environment("CollectFunction")["RESULT_TOPICS"].split(","))
    for name in ("SuccessTopic", "ErrorTopic"):
        assert topics[name]["Subscription"] == [
            {"Protocol": "sqs", "Endpoint": f"arn:aws:sqs:{AT}:bintally-ResultsQueue"}
        ]
    jobs = STACK.environment("CollectFunction")["JOBS_BUCKET"]
    assert output["S3OutputPath"] == f"s3://{jobs}/async/output/"
    assert output["S3FailurePath"] == f"s3://{jobs}/async/failure/"


def test_an_endpoint_at_zero_instances_is_woken() -> None:
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


def test_the_logs_of_the_model_end() -> None:
    groups = {g["LogGroupName"]: g for g in properties_of("AWS::Logs::LogGroup").values()}
    owning = Stack(TransformLogs="owned").of_type("AWS::Logs::LogGroup")
    (endpoint,) = properties_of("AWS::SageMaker::Endpoint").values()

    assert int(groups[f"/aws/sagemaker/Endpoints/{endpoint['EndpointName']}"]["RetentionInDays"]) > 0
    assert STACK.resources["CounterEndpoint"]["DependsOn"] == "EndpointLogs", "else SageMaker makes the group first"
    assert owning["TransformJobLogs"] == {"LogGroupName": "/aws/sagemaker/TransformJobs", "RetentionInDays": "30"}


@pytest.mark.parametrize(("bucket", "queue"), [("IntakeBucket", "IntakeQueue"), ("OrdersBucket", "OrdersQueue")])
def test_a_bucket_tells_its_queue_of_every_new_object(bucket: str, queue: str) -> None:
    notifications = STACK.resources[bucket]["Properties"]["NotificationConfiguration"]

    assert notifications == {
        "QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": f"arn:aws:sqs:{AT}:bintally-{queue}"}]
    }
