"""Deleting what a stack left behind."""

from __future__ import annotations

from typing import Any

from bincli.deployment import ClientFactory
from bincli.destroy.kept import BUCKET, KEY, PARAMETER, QUEUE, TABLE, USERS, Kept
from bincli.errors import CommandError

KEY_DAYS = 7  # the least that KMS waits before it deletes a key; until then the deletion can be cancelled
LATER = "Run the command again later."
MISSING = frozenset(
    {"NoSuchBucket", "404", "ResourceNotFoundException", "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
    | {"NotFoundException", "KMSInvalidStateException", "ParameterNotFound"}
)


def delete_data(clients: ClientFactory, kept: Kept) -> bool:
    """Delete a resource with everything in it.

    Returns whether it is gone: what other stacks use too, such as logs of the whole account, stays. Safe to repeat.
    """
    from botocore.exceptions import ClientError

    delete = {
        BUCKET: _delete_bucket,
        TABLE: _delete_table,
        QUEUE: _delete_queue,
        KEY: _delete_key,
        PARAMETER: _delete_parameter,
        USERS: _delete_users,
    }.get(kept.type)
    if delete is None:
        return False
    try:
        delete(clients, kept.name)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in MISSING:
            raise
    return True


def _delete_bucket(clients: ClientFactory, name: str) -> None:
    s3 = clients("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        if objects:
            answer = s3.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True})
            if errors := answer.get("Errors"):
                raise CommandError(f"{len(errors):,} objects of {name} were not deleted: {errors[0].get('Message')}")
    try:
        s3.delete_bucket(Bucket=name)
    except s3.exceptions.ClientError as error:
        if error.response.get("Error", {}).get("Code") == "BucketNotEmpty":
            raise CommandError(
                f"Something still writes to {name}. S3 delivers access logs for hours. {LATER}"
            ) from error
        raise


def _delete_table(clients: ClientFactory, name: str) -> None:
    dynamodb: Any = clients("dynamodb")
    if dynamodb.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=name)


def _delete_queue(clients: ClientFactory, url: str) -> None:
    clients("sqs").delete_queue(QueueUrl=url)


def _delete_key(clients: ClientFactory, key: str) -> None:
    clients("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=KEY_DAYS)


def _delete_parameter(clients: ClientFactory, name: str) -> None:
    clients("ssm").delete_parameter(Name=name)


def _delete_users(clients: ClientFactory, pool: str) -> None:
    cognito: Any = clients("cognito-idp")
    if cognito.describe_user_pool(UserPoolId=pool)["UserPool"].get("DeletionProtection") == "ACTIVE":
        cognito.update_user_pool(UserPoolId=pool, DeletionProtection="INACTIVE")
    cognito.delete_user_pool(UserPoolId=pool)
