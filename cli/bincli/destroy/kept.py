"""What CloudFormation keeps when it deletes a stack, how large that is, and what it costs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bintally.domain.errors import StoreError
from bintally.domain.jobs import UNFINISHED
from bintally.domain.site_settings import parameter_name

from bincli.cost.prices import Prices
from bincli.deployment import ClientFactory, Deployment, StackNotFoundError
from bincli.queues import queue_at
from bincli.stacks import StackDescription, describe_stack
from bincli.text import quantity

BUCKET, TABLE, QUEUE, KEY = "AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::KMS::Key"
PARAMETER, USERS = "AWS::SSM::Parameter", "AWS::Cognito::UserPool"
STORAGE = ("StandardStorage", "IntelligentTieringFAStorage", "IntelligentTieringIAStorage")
GONE = "DELETE_COMPLETE"
OURS = {"IntakeBucket", "ImagesTable"}
GB = 1e9


@dataclass(frozen=True)
class Kept:
    """A resource that survives its stack. `name` is what AWS calls it."""

    type: str
    resource: str
    name: str


@dataclass(frozen=True)
class Size:
    """How much a kept resource holds, in words, and what it costs a month in US dollars; None if not known."""

    text: str
    dollars: float | None


def find_latest(cloudformation: Any, name: str) -> StackDescription | None:
    """The stack of this name, or the last one that was deleted; None if there was none in the last 90 days."""
    if stack := describe_stack(cloudformation, name):
        return stack
    pages = cloudformation.get_paginator("list_stacks").paginate(StackStatusFilter=[GONE])
    gone = [summary for page in pages for summary in page["StackSummaries"] if summary["StackName"] == name]
    newest = max(gone, key=lambda summary: summary["DeletionTime"], default=None)
    return describe_stack(cloudformation, newest["StackId"]) if newest else None


def kept_resources(cloudformation: Any, stack: StackDescription) -> list[Kept]:
    """What deleting the stack keeps, or has kept if it is deleted already.

    Raises StackNotFoundError if it is not a bintally stack.
    """
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack.arn)
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    if not {each["LogicalResourceId"] for each in resources} >= OURS:
        raise StackNotFoundError(f"The stack {stack.name} is not a bintally stack. Nothing was removed.")
    if stack.status == GONE:
        kept = {each["LogicalResourceId"] for each in resources if each["ResourceStatus"] == "DELETE_SKIPPED"}
    else:
        kept = _retained(cloudformation, stack)
    return [
        Kept(each["ResourceType"], each["LogicalResourceId"], each["PhysicalResourceId"])
        for each in sorted(resources, key=_order)
        if each["LogicalResourceId"] in kept
    ]


def kept_settings(ssm: Any, stack: str) -> list[Kept]:
    """The parameter with the settings that people changed, if there is one. It was never part of the stack."""
    name = parameter_name(stack)
    try:
        ssm.get_parameter(Name=name)
    except ssm.exceptions.ParameterNotFound:
        return []
    return [Kept(PARAMETER, "Settings", name)]


def _order(resource: Mapping[str, str]) -> tuple[bool, str, str]:
    """Access logs last: the other buckets add to them as long as they exist."""
    return "AccessLogs" in resource["LogicalResourceId"], resource["ResourceType"], resource["LogicalResourceId"]


def _retained(cloudformation: Any, stack: StackDescription) -> set[str]:
    """The logical ids of what has a deletion policy that keeps it."""
    body = cloudformation.get_template(StackName=stack.arn, TemplateStage="Processed")["TemplateBody"]
    template: Mapping[str, Any] = json.loads(body) if isinstance(body, str) else body
    return {
        name
        for name, resource in template["Resources"].items()
        if str(resource.get("DeletionPolicy", "")).startswith("Retain")
    }


def waiting_images(clients: ClientFactory, stack: StackDescription) -> int | None:
    """About how many images are in the intake queue or in a job; None if that can't be read."""
    from botocore.exceptions import BotoCoreError, ClientError

    deployment = Deployment(stack.name, stack.outputs, clients)
    try:
        queued = queue_at(deployment.sqs, deployment.output("IntakeQueue")).messages
        return queued + sum(job.images for job in deployment.jobs.all() if job.status in UNFINISHED)
    except (ClientError, BotoCoreError, StoreError, StackNotFoundError):
        return None


def size_of(clients: ClientFactory, kept: Kept, prices: Prices) -> Size:
    """How large a kept resource is. What can't be read is not known."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        match kept.type:
            case t if t == TABLE:
                return _table(clients("dynamodb"), kept.name, prices)
            case t if t == BUCKET:
                return _bucket(clients("cloudwatch"), kept.name, prices)
            case t if t == KEY:
                return Size("", prices.of("kms", "key_month"))
            case t if t == USERS:
                return _users(clients("cognito-idp"), kept.name)
    except (ClientError, BotoCoreError, KeyError):
        return Size("not known", None)
    return Size("", 0.0)  # empty queues and logs that expire


def _table(dynamodb: Any, name: str, prices: Prices) -> Size:
    table = dynamodb.describe_table(TableName=name)["Table"]
    items, size = table.get("ItemCount", 0), table.get("TableSizeBytes", 0)
    size += sum(index.get("IndexSizeBytes", 0) for index in table.get("GlobalSecondaryIndexes", []))
    month = prices.of("dynamodb", "gb_month") + prices.of("dynamodb", "recovery_gb_month")
    return Size(f"{quantity(items, 'item')}, {size / 1e6:,.1f} MB", size / GB * month)


def _users(cognito: Any, pool: str) -> Size:
    """Cognito's prices are for people who sign in, and a stack that is gone has no desk."""
    number = cognito.describe_user_pool(UserPoolId=pool)["UserPool"].get("EstimatedNumberOfUsers", 0)
    return Size(quantity(number, "user"), 0.0)


def _bucket(cloudwatch: Any, name: str, prices: Prices) -> Size:
    """From the metric that S3 writes once a day: listing millions of versions would cost more than it tells."""
    now = datetime.now(UTC)
    size = 0.0
    found = False
    for storage in STORAGE:
        dimensions = [{"Name": "BucketName", "Value": name}, {"Name": "StorageType", "Value": storage}]
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/S3",
            MetricName="BucketSizeBytes",
            Dimensions=dimensions,
            StartTime=now - timedelta(days=3),
            EndTime=now,
            Period=86_400,
            Statistics=["Average"],
        )["Datapoints"]
        found = found or bool(points)
        size += max(points, key=lambda point: point["Timestamp"])["Average"] if points else 0
    return Size(f"{size / 1e6:,.1f} MB", size / GB * prices.of("s3", "gb_month")) if found else Size("not known", None)
