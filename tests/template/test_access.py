"""Policies of the template: nothing is allowed that is not needed."""

from __future__ import annotations

from tests.template.deployed import AT, Stack
from tests.template.queries import (
    FUNCTIONS,
    STACK,
    condition_keys,
    listed,
    missing,
    policy_documents,
    properties_of,
    statements,
    to_services,
)

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


def test_a_function_reads_only_its_own_queue_or_streams() -> None:
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
    data = {"dynamodb", "s3", "sqs", "events", "sagemaker", "lambda", "ssm", "logs", "xray"}
    model = {"s3", "sns", "kms", "logs", "xray"}
    for name in FUNCTIONS:
        role = STACK.resources[f"{name}Role"]["Properties"]
        actions = [a for p in policy_documents(role["Policies"]) for s in p["Statement"] for a in listed(s["Action"])]
        assert {action.split(":")[0] for action in actions} <= (model if name == "ModelFunction" else data), name
        assert not any(action.startswith(("s3:Delete", "dynamodb:Delete")) for action in actions), name


def test_a_service_has_access_only_for_our_resources() -> None:
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


def test_the_results_queue_accepts_sns_only_from_its_topics() -> None:
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


def test_the_model_image_may_be_in_another_account_and_its_weights_encrypted() -> None:
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


def test_given_weights_are_readable_by_the_model() -> None:
    own = Stack(ModelImageUri="image", ModelDataUrl="s3://models/counter/model.tar.gz")
    readable = [
        resource
        for document in policy_documents(own.resources["CounterRole"]["Properties"]["Policies"])
        for statement in document["Statement"]
        for resource in listed(statement["Resource"])
    ]

    assert "arn:aws:s3:::models/counter/model.tar.gz" in readable
    assert own.of_type("AWS::SageMaker::Model")["CounterModel"]["PrimaryContainer"]["ModelDataUrl"].startswith("s3://")
