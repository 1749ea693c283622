"""The stack of template.yaml in moto: its tables and buckets, made from the template's own definitions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from tests.template.deployed import stack

REGION = "us-east-1"


@cache
def client(service: str) -> Any:
    """A client of moto's AWS; kept, because it is slow to build."""
    return boto3.client(
        service,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def table(logical_id: str) -> str:
    """The name of a table or bucket of the template."""
    return stack().outputs[logical_id]


def create_tables() -> None:
    for definition in stack().of_type("AWS::DynamoDB::Table").values():
        names = ("TableName", "BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
        request = {name: definition[name] for name in names if name in definition}
        if "StreamSpecification" in definition:
            request["StreamSpecification"] = {"StreamEnabled": True, **definition["StreamSpecification"]}
        client("dynamodb").create_table(**request)


def create_buckets() -> None:
    for definition in stack().of_type("AWS::S3::Bucket").values():
        name = definition["BucketName"]
        client("s3").create_bucket(Bucket=name)
        client("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration=definition["VersioningConfiguration"])


def create_queues() -> None:
    """Those that functions themselves send to or measure."""
    for name in ("IntakeQueue", "OrdersQueue"):
        client("sqs").create_queue(QueueName=table(name).rpartition("/")[2])


@contextmanager
def empty_stack() -> Iterator[None]:
    with mock_aws():
        create_tables()
        create_buckets()
        create_queues()
        yield


@pytest.fixture
def aws() -> Iterator[None]:
    """An empty stack."""
    with empty_stack():
        yield
