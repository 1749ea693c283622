from __future__ import annotations

from typing import Any

import pytest
from bincli.deploy.changes import Action, change_of, read_changes, sentences, warnings_of
from botocore.stub import Stubber

from tests.unit.functions.aws import client

BUCKET, TABLE, ROLE = "AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::IAM::Role"
MODEL = "AWS::SageMaker::Model"


def found(action: str, resource: str, kind: str, *properties: str, **more: Any) -> dict[str, Any]:
    """A ResourceChange as CloudFormation sends it."""
    details = [{"Target": {"Attribute": "Properties", "Name": name}} for name in properties]
    return {"Action": action, "LogicalResourceId": resource, "ResourceType": kind, "Details": details, **more}


def test_all_pages_are_read_and_the_most_dangerous_change_is_first() -> None:
    cloudformation = client("cloudformation")
    with Stubber(cloudformation) as stub:
        pages = [
            [found("Add", "Role", ROLE), found("Modify", "IntakeBucket", BUCKET, "Tags", Replacement="False")],
            [found("Modify", "BinsTable", TABLE, "KeySchema", Replacement="True", PolicyAction="ReplaceAndRetain")],
        ]
        for number, page in enumerate(pages):
            token = {"NextToken": "more"} if number == 0 else {}
            asked = {"StackName": "prod", "ChangeSetName": "arn"} | ({} if number == 0 else {"NextToken": "more"})
            answer = {"Changes": [{"Type": "Resource", "ResourceChange": each} for each in page], **token}
            stub.add_response("describe_change_set", answer, asked)
        changes = read_changes(cloudformation, "prod", "arn")

    assert list(sentences(changes)) == [
        "replaces BinsTable (DynamoDB Table): KeySchema",
        "changes IntakeBucket (S3 Bucket): Tags",
        "adds 1: 1 IAM Role",
    ]


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        (
            found("Modify", "BinsTable", TABLE, Replacement="True", PolicyAction="ReplaceAndRetain"),
            "This replaces the table BinsTable and keeps its data, but outside the stack. The new one is empty.",
        ),
        (
            found("Modify", "IntakeBucket", BUCKET, Replacement="Conditional", PolicyAction="ReplaceAndDelete"),
            "This may replace the bucket IntakeBucket and DELETES its data. The new one is empty.",
        ),
        (
            found("Remove", "JobsTable", TABLE, PolicyAction="Retain"),
            "This leaves behind the table JobsTable and keeps its data, but outside the stack.",
        ),
        (
            found("Remove", "JobsTable", TABLE, PolicyAction="Delete"),
            "This removes the table JobsTable and DELETES its data.",
        ),
        (
            found("Remove", "JobsTable", TABLE),
            "This removes the table JobsTable and DELETES its data unless its policies say otherwise.",
        ),
    ],
)
def test_a_table_or_bucket_in_danger_is_a_warning(change: dict[str, Any], warning: str) -> None:
    assert warnings_of([change_of(change)]) == [warning]


@pytest.mark.parametrize(
    "change",
    [
        found("Modify", "BinsTable", TABLE, "Tags", Replacement="False"),
        found("Add", "BinsTable", TABLE),
        found("Remove", "Role", ROLE),
        found("Modify", "CounterModel", MODEL, "ModelName", "PrimaryContainer", Replacement="True"),
    ],
)
def test_what_keeps_the_data_is_no_warning(change: dict[str, Any]) -> None:
    assert warnings_of([change_of(change)]) == []


def test_a_model_that_changes_under_its_old_name_is_a_warning() -> None:
    change = found("Modify", "CounterModel", MODEL, "PrimaryContainer", Replacement="True")

    assert "another ModelVersion" in warnings_of([change_of(change)])[0]


def test_every_action_of_cloudformation_has_a_word() -> None:
    shape = client("cloudformation").meta.service_model.shape_for("ChangeAction")

    assert {change_of(found(action, "A", ROLE)).action for action in shape.enum} == {
        Action.ADDS,
        Action.CHANGES,
        Action.IMPORTS,
        Action.REMOVES,
    }
