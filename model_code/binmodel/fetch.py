"""Reads the images of a manifest from S3, and only from the allowed buckets."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from binmodel.images import ImageError, Limits, check_bytes
from binmodel.manifest import Entry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# S3 reports a delete marker as MethodNotAllowed.
_MISSING = {"404", "NoSuchKey", "NoSuchVersion", "NoSuchBucket", "MethodNotAllowed"}
_DENIED = {"403", "AccessDenied", "AllAccessDisabled", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"}

BUCKETS_VARIABLE = "BINTALLY_IMAGE_BUCKETS"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html. ARNs and URLs do not match.
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class BucketsError(Exception):
    """BINTALLY_IMAGE_BUCKETS contains an invalid bucket name."""


def allowed_buckets(environment: Mapping[str, str]) -> frozenset[str]:
    """The comma-separated buckets in BINTALLY_IMAGE_BUCKETS. Empty if it is not set.

    Raises BucketsError for anything but a bucket name, such as a URI or the ARN of an access point.
    """
    names = [name.strip() for name in environment.get(BUCKETS_VARIABLE, "").split(",")]
    for name in filter(None, names):
        if not _BUCKET_NAME.fullmatch(name):
            raise BucketsError(f"{BUCKETS_VARIABLE} contains {name!r}. Set it to comma-separated bucket names.")
    return frozenset(filter(None, names))


def s3_client(connections: int) -> S3Client:
    """A client that `connections` threads can share. Endpoint, region and credentials come from the environment."""
    import boto3
    from botocore.config import Config

    config = Config(
        max_pool_connections=connections,
        connect_timeout=5,
        read_timeout=30,
        retries={"total_max_attempts": 4, "mode": "standard"},
    )
    return boto3.client("s3", config=config)


def sns_client() -> Any:
    """A client for the notifications of the Lambda function."""
    import boto3

    return boto3.client("sns")


def read_object(client: S3Client, entry: Entry, limits: Limits, buckets: Collection[str]) -> bytes:
    """The bytes of an entry's object. Makes no request to S3 if its bucket is not one of `buckets`.

    Checks the size in the response's header before it reads the body. Raises ImageError: the entry's `problem`,
    `bucket_not_allowed`, `not_found`, `access_denied`, `too_many_bytes` or `fetch_failed`. Only the last one is worth
    a retry.
    """
    if entry.problem:
        raise entry.problem
    if entry.bucket not in buckets:
        raise _not_allowed(entry.bucket, buckets)
    version = {"VersionId": entry.version_id} if entry.version_id else {}
    try:
        response = client.get_object(Bucket=entry.bucket, Key=entry.key, **version)  # type: ignore[arg-type]
        # closing(), because `with response["Body"]` gives the raw stream, which does not check the length
        with closing(response["Body"]) as body:
            check_bytes(response["ContentLength"], limits)
            return body.read()
    except ClientError as error:
        raise _translated(error) from error
    except (BotoCoreError, OSError) as error:
        raise ImageError("fetch_failed", f"The photo could not be read from S3 ({error}).") from error


def _not_allowed(bucket: str, buckets: Collection[str]) -> ImageError:
    allowed = ", ".join(sorted(buckets)) or "none"
    message = f"The model server may not read from bucket {bucket[:100]!r}. {BUCKETS_VARIABLE} allows: {allowed}."
    return ImageError("bucket_not_allowed", message)


def _translated(error: ClientError) -> ImageError:
    code = error.response.get("Error", {}).get("Code", "")
    if code in _MISSING:
        return ImageError("not_found", f"The photo, or this version of it, is not in the bucket ({code}).")
    if code in _DENIED:
        message = f"The model server may not read the photo, or it does not exist ({code})."
        return ImageError("access_denied", message)
    return ImageError("fetch_failed", f"The photo could not be read from S3 ({code or error}).")
