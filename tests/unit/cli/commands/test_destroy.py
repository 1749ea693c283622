from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from bincli.commands.destroy import Removal, before, is_confirmed, look, record_of, remove, view
from bincli.cost.prices import read_prices
from bincli.deployment import StackNotFoundError
from bincli.destroy.data import delete_data
from bincli.destroy.kept import Kept, size_of, waiting_images
from bincli.stacks import StackDescription
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.unit.cli.cloudformation import FakeCloudFormation
from tests.unit.cli.moto_stack import MotoStack, table
from tests.unit.cli.printing import Printed
from tests.unit.functions.aws import client

BUCKET, TABLE, QUEUE, KEY = "AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::KMS::Key"
LOGS, USERS = "AWS::Logs::LogGroup", "AWS::Cognito::UserPool"
NAME = "prod-intake-123456789012-us-east-1"


class Account:
    """A stack in moto: a bucket with old versions, a protected table, a queue, a key, and logs of the whole account."""

    def __init__(self) -> None:
        self.cloudformation = FakeCloudFormation("CREATE_COMPLETE")
        s3, dynamodb = client("s3"), client("dynamodb")
        s3.create_bucket(Bucket=NAME)
        s3.put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Enabled"})
        for _ in range(2):
            s3.put_object(Bucket=NAME, Key="P-17-C/photo.jpg", Body=b"photo")
        s3.delete_object(Bucket=NAME, Key="P-17-C/photo.jpg")
        dynamodb.create_table(**table("prod-images", ["image_id"]), DeletionProtectionEnabled=True)
        dynamodb.put_item(TableName="prod-images", Item={"image_id": {"S": "P-17-C"}})
        queue = client("sqs").create_queue(QueueName="prod-intake")["QueueUrl"]
        key = client("kms").create_key()["KeyMetadata"]["KeyId"]
        self.add("IntakeBucket", BUCKET, NAME)
        self.add("ImagesTable", TABLE, "prod-images")
        self.add("IntakeQueue", QUEUE, queue)
        self.add("TopicsKey", KEY, key)
        self.add("TransformJobLogs", LOGS, "/aws/sagemaker/TransformJobs", "Retain")
        self.add("IntakeFunction", "AWS::Lambda::Function", "prod-intake", "Delete")

    def add(self, resource: str, kind: str, name: str, policy: str = "RetainExceptOnCreate") -> None:
        self.cloudformation.template["Resources"][resource] = {"Type": kind, "DeletionPolicy": policy}
        found = {"LogicalResourceId": resource, "ResourceType": kind, "PhysicalResourceId": name}
        self.cloudformation.resources.append(found | {"ResourceStatus": "CREATE_COMPLETE"})

    def client(self, service: str) -> Any:
        return self.cloudformation if service == "cloudformation" else client(service)

    def destroy(self, *, delete_data: bool = False) -> Any:
        stack, removal = look(self.client, "prod")
        remove(self.client, stack, removal, Printed(), delete_data=delete_data)
        return removal

    @property
    def buckets(self) -> list[str]:
        return [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]]

    @property
    def tables(self) -> list[str]:
        return list(client("dynamodb").list_tables()["TableNames"])


@pytest.fixture
def account() -> Iterator[Account]:
    with mock_aws():
        yield Account()


def test_the_stack_goes_and_its_data_stays(account: Account) -> None:
    removal = account.destroy()

    assert (removal.stack_deleted, account.cloudformation.status) == (True, "DELETE_COMPLETE")
    assert (account.buckets, account.tables) == ([NAME], ["prod-images"])
    assert [kept.resource for kept, _ in removal.left] == [
        "ImagesTable",
        "TopicsKey",
        "TransformJobLogs",
        "IntakeBucket",
        "IntakeQueue",
    ]


def test_remaining_data_is_shown_with_size_and_cost(account: Account) -> None:
    account.add("OrdersBucket", BUCKET, "not-measured-yet")

    _, removal = look(account.client, "prod")
    text = "\n".join(before(removal, delete_data=False))

    assert "ImagesTable: prod-images (1 item" in text
    assert "It costs about 1.00 USD a month, and what 1 bucket or table of unknown size costs" in text


def test_with_its_data_nothing_stays_but_logs_of_the_whole_account(account: Account) -> None:
    removal = account.destroy(delete_data=True)

    assert (account.buckets, account.tables) == ([], [])
    assert client("sqs").list_queues().get("QueueUrls", []) == []
    (key,) = client("kms").list_keys()["Keys"]
    assert client("kms").describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert [kept.resource for kept, _ in removal.left] == ["TransformJobLogs"]
    assert record_of(removal)["data_deleted"][-1].endswith("prod-intake")


class Cognito:
    """A user pool that is protected at first."""

    def __init__(self) -> None:
        self.pools = {"us-east-1_1": "ACTIVE"}

    def describe_user_pool(self, **given: str) -> Any:
        if given["UserPoolId"] not in self.pools:
            error: Any = {"Error": {"Code": "ResourceNotFoundException"}}
            raise ClientError(error, "DescribeUserPool")
        protection = self.pools[given["UserPoolId"]]
        return {"UserPool": {"EstimatedNumberOfUsers": 3, "DeletionProtection": protection}}

    def update_user_pool(self, **given: str) -> None:
        self.pools[given["UserPoolId"]] = given["DeletionProtection"]

    def delete_user_pool(self, **given: str) -> None:
        assert self.pools.pop(given["UserPoolId"]) == "INACTIVE"


def test_the_people_of_the_desk_are_deleted_too() -> None:
    cognito, kept = Cognito(), Kept(USERS, "DeskUsers", "us-east-1_1")

    assert size_of(lambda _: cognito, kept, read_prices()).text == "3 users"
    for _ in range(2):
        assert delete_data(lambda _: cognito, kept)
        assert cognito.pools == {}


def test_data_that_an_earlier_destroy_left_can_be_deleted_later_and_again(account: Account) -> None:
    account.destroy()

    removal = account.destroy(delete_data=True)

    assert (removal.stack_deleted, account.cloudformation.deleted) == (False, 1)
    assert (account.buckets, account.tables) == ([], [])
    account.destroy(delete_data=True)


def test_access_logs_are_deleted_after_the_buckets_that_write_them(account: Account) -> None:
    account.add("AccessLogsBucket", BUCKET, "logs")

    _, removal = look(account.client, "prod")

    assert removal.kept[-1][0].resource == "AccessLogsBucket"


def test_what_is_left_is_in_a_table_with_the_command_that_deletes_it(account: Account) -> None:
    output = Printed()
    output.emit([], view(account.destroy()))

    assert "`bintally destroy --stack prod --delete-data` deletes them" in output.stdout


def test_a_stack_of_somebody_else_is_not_touched(account: Account) -> None:
    account.cloudformation.resources = account.cloudformation.resources[-1:]

    with pytest.raises(StackNotFoundError, match="not a bintally stack"):
        look(account.client, "prod")


@pytest.mark.parametrize(
    ("yes", "typed", "confirmed"),
    [("prod", "", True), (None, "prod", True), ("other", "", False), (None, "Prod", False)],
)
def test_only_the_stacks_name_confirms(yes: str | None, typed: str, confirmed: bool) -> None:
    assert is_confirmed("prod", yes, lambda question: typed) is confirmed


def test_photos_that_would_not_be_counted_any_more_are_said(stack: MotoStack) -> None:
    stack.submitted("a/1.jpg", "b/1.jpg")
    stack.finished("c/1.jpg")
    stack.send(stack.output("IntakeQueue"), ["announcement"])

    description = StackDescription("prod", "arn", "CREATE_COMPLETE", outputs=stack.deployment.outputs)
    waiting = waiting_images(stack.client, description)

    assert waiting == 3
    assert "About 3 photos are not counted yet" in "\n".join(
        before(Removal("prod", [], waiting=waiting), delete_data=False)
    )


def test_doubt_about_photos_that_wait_is_shown(account: Account) -> None:
    _, removal = look(account.client, "prod")

    assert "is not known. Wait first" in "\n".join(before(removal, delete_data=False))


def test_an_unknown_stack_is_reported(account: Account) -> None:
    account.cloudformation.status = None

    with pytest.raises(StackNotFoundError, match="nor one deleted in the last 90 days"):
        look(account.client, "prod")


@pytest.mark.parametrize("delete_data", [False, True])
def test_changed_settings_are_data(account: Account, delete_data: bool) -> None:
    client("ssm").put_parameter(Name="/bintally/prod/settings", Value="{}", Type="String")

    removal = account.destroy(delete_data=delete_data)

    assert ("Settings" in [kept.resource for kept, _ in removal.left]) is not delete_data
    assert len(client("ssm").describe_parameters()["Parameters"]) == (0 if delete_data else 1)
