"""S3 and SNS as the local SageMaker uses them."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from binlocal.sagemaker.errors import UnreadableObjectError


class Storage(Protocol):
    """S3 objects by URI, and SNS topics. `read` raises UnreadableObjectError."""

    def list_prefix(self, uri: str) -> list[str]: ...
    def read(self, uri: str) -> bytes: ...
    def write(self, uri: str, body: bytes, content_type: str) -> None: ...
    def publish(self, topic: str, message: Mapping[str, Any]) -> None: ...


class AwsStorage:
    def __init__(self, s3: Any, sns: Any) -> None:
        self._s3 = s3
        self._sns = sns

    def list_prefix(self, uri: str) -> list[str]:
        """The URIs of the objects with this prefix, in order. Empty if the bucket does not exist."""
        bucket, prefix = split_uri(uri)
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        try:
            return [f"s3://{bucket}/{found['Key']}" for page in pages for found in page.get("Contents", [])]
        except self._s3.exceptions.NoSuchBucket:
            return []

    def read(self, uri: str) -> bytes:
        bucket, key = split_uri(uri)
        try:
            body: bytes = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except (BotoCoreError, ClientError) as error:
            raise UnreadableObjectError(str(error)) from error
        return body

    def write(self, uri: str, body: bytes, content_type: str) -> None:
        bucket, key = split_uri(uri)
        self._s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)

    def publish(self, topic: str, message: Mapping[str, Any]) -> None:
        self._sns.publish(TopicArn=topic, Message=json.dumps(message, separators=(",", ":")))


def split_uri(uri: str) -> tuple[str, str]:
    """The bucket and key of `s3://bucket/key`. The key can contain `?` and `#`."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
