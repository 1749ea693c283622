"""Plan, create, change and destroy with the real `sam` on the local stack's CloudFormation.

A small template with a bucket and a table that survive their stack; test_rehearsal.py deploys the project's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bincli.commands.destroy import look, remove
from bincli.deploy.changes import Action
from bincli.deploy.run import find_stack, plan_deployment, remove_failed_create
from bincli.deploy.sam import SAM, Target
from bincli.errors import CommandError
from bincli.programs import Shell
from bincli.stacks import FAILED_CREATE
from binlocal.stack import Stack

from tests.unit.cli.printing import Printed

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]
TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters: { Key: { Type: String, Default: id }, Bucket: { Type: String, Default: trial-photos } }
Resources:
  IntakeBucket: { Type: AWS::S3::Bucket, DeletionPolicy: RetainExceptOnCreate, Properties: { BucketName: !Ref Bucket } }
  ImagesTable:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: RetainExceptOnCreate
    Properties:
      TableName: trial-lines
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{ AttributeName: !Ref Key, AttributeType: S }]
      KeySchema: [{ AttributeName: !Ref Key, KeyType: HASH }]
  Topic: { Type: AWS::SNS::Topic, DependsOn: IntakeBucket }
"""


class Account:
    """The local stack as an account in which `sam` deploys a small template."""

    def __init__(self, stack: Stack, template: Path) -> None:
        self.client = stack.client
        self.cloudformation = stack.client("cloudformation")
        self.target = Target("trial", "us-east-1", template=template)
        self.shown: list[str] = []
        self.programs = Shell(self.shown.append)

    def plan(self, **parameters: str) -> list[tuple[Action, str]]:
        changes = plan_deployment(self.programs, self.cloudformation, self.target, parameters)
        return [(change.action, change.resource) for change in changes]

    def deploy(self, **parameters: str) -> None:
        self.programs.run(self.target.deploy_argv(parameters))

    @property
    def status(self) -> str | None:
        found = find_stack(self.cloudformation, "trial")
        return found.status if found else None

    @property
    def data(self) -> set[str]:
        buckets = {bucket["Name"] for bucket in self.client("s3").list_buckets()["Buckets"]}
        return (buckets | set(self.client("dynamodb").list_tables()["TableNames"])) & {"trial-photos", "trial-lines"}


@pytest.fixture
def account(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    if not SAM.exists():
        pytest.skip("sam is not installed: make build installs it.")
    for name, value in stack.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    yield Account(stack, tmp_path / "template.yaml")


def test_a_stack_is_planned_created_changed_and_removed_with_its_data_kept(account: Account) -> None:
    assert account.plan() == [(Action.ADDS, name) for name in ("ImagesTable", "IntakeBucket", "Topic")]
    assert (account.status, account.data) == (None, set())

    account.deploy()
    assert (account.status, account.data) == ("CREATE_COMPLETE", {"trial-photos", "trial-lines"})
    assert account.plan() == []

    assert account.plan(Key="other") == [(Action.MAY_REPLACE, "ImagesTable")]
    assert account.status == "CREATE_COMPLETE"
    assert all(line.startswith(f"$ {SAM} deploy ") for line in account.shown)

    stack, removal = look(account.client, "trial")
    remove(account.client, stack, removal, Printed(), delete_data=False)
    assert (account.status, account.data) == (None, {"trial-photos", "trial-lines"})
    for kept, _ in removal.kept:
        assert kept.name in account.data
    account.client("s3").delete_bucket(Bucket="trial-photos")
    account.client("dynamodb").delete_table(TableName="trial-lines")


def test_a_stack_is_removed_with_its_data(account: Account) -> None:
    account.deploy()
    account.client("s3").put_object(Bucket="trial-photos", Key="a.jpg", Body=b"photo")

    stack, removal = look(account.client, "trial")
    remove(account.client, stack, removal, Printed(), delete_data=True)

    assert (account.status, account.data, removal.left) == (None, set(), [])


def test_a_failed_first_create_is_repeated(account: Account) -> None:
    account.client("s3").create_bucket(Bucket="trial-photos")
    with pytest.raises(CommandError):
        account.deploy()
    assert account.status == FAILED_CREATE

    stack = find_stack(account.cloudformation, "trial")
    assert stack is not None
    remove_failed_create(account.cloudformation, stack)
    account.client("s3").delete_bucket(Bucket="trial-photos")
    account.deploy()

    assert account.status == "CREATE_COMPLETE"
    stack, removal = look(account.client, "trial")
    remove(account.client, stack, removal, Printed(), delete_data=True)
