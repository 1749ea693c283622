"""Images of a manifest, read from S3, and only from the buckets that the server was started for."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from contextlib import closing
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from binmodel.images import ImageError, Limits, check_bytes
from binmodel.manifest import Entry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MISSING = {"404", "NoSuchKey", "NoSuchVersion", "NoSuchBucket", "MethodNotAllowed"}  # the last: a delete marker
_DENIED = {"403", "AccessDenied", "AllAccessDisabled", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"}

BUCKETS_VARIABLE = "BINTALLY_IMAGE_BUCKETS"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html: no ARN and no URL looks like this.
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class BucketsError(Exception):
    """BINTALLY_IMAGE_BUCKETS names something that is not a bucket."""


def allowed_buckets(environment: Mapping[str, str]) -> frozenset[str]:
    """The buckets that BINTALLY_IMAGE_BUCKETS names, separated by commas; none where it is not set.

    Raises BucketsError for what is not a bucket's name, such as a URI or the ARN of an access point.
    """
    names = [name.strip() for name in environment.get(BUCKETS_VARIABLE, "").split(",")]
    for name in filter(None, names):
        if not _BUCKET_NAME.fullmatch(name):
            raise BucketsError(f"{BUCKETS_VARIABLE} holds {name!r}. Set it to bucket names, separated by commas.")
    return frozenset(filter(None, names))


def s3_client(connections: int) -> S3Client:
    """A client that `connections` threads may share. Endpoint, region and credentials come from the environment."""
    import boto3
    from botocore.config import Config

    config = Config(
        max_pool_connections=connections,
        connect_timeout=5,
        read_timeout=30,
        retries={"total_max_attempts": 4, "mode": "standard"},
    )
    return boto3.client("s3", config=config)


def read_object(client: S3Client, entry: Entry, limits: Limits, buckets: Collection[str]) -> bytes:
    """The bytes of an entry's object, if it is in one of `buckets`; S3 is not asked about others.

    The size is checked on the response's header, before the body is read. Raises ImageError: the entry's own `problem`,
    `bucket_not_allowed`, `not_found`, `access_denied`, `too_many_bytes` or `fetch_failed`; only the last can change by
    itself.
    """
    if entry.problem:
        raise entry.problem
    if entry.bucket not in buckets:
        raise _not_allowed(entry.bucket, buckets)
    version = {"VersionId": entry.version_id} if entry.version_id else {}
    try:
        answer = client.get_object(Bucket=entry.bucket, Key=entry.key, **version)  # type: ignore[arg-type]
        with closing(
            answer["Body"]
        ) as body:  # not `with answer["Body"]`: that is the raw stream, which checks no length
            check_bytes(answer["ContentLength"], limits)
            return body.read()
    except ClientError as error:
        raise _explained(error) from error
    except (BotoCoreError, OSError) as error:
        raise ImageError("fetch_failed", f"The photograph could not be read from S3 ({error}).") from error


def _not_allowed(bucket: str, buckets: Collection[str]) -> ImageError:
    allowed = ", ".join(sorted(buckets)) or "none"
    message = f"The model server may not read from bucket {bucket[:100]!r}. {BUCKETS_VARIABLE} allows: {allowed}."
    return ImageError("bucket_not_allowed", message)


def _explained(error: ClientError) -> ImageError:
    code = error.response.get("Error", {}).get("Code", "")
    if code in _MISSING:
        return ImageError("not_found", f"The photograph is not in the bucket, or this version of it is gone ({code}).")
    if code in _DENIED:
        message = f"The model may not read the photograph ({code}); S3 also says so of one that is not there."
        return ImageError("access_denied", message)
    return ImageError("fetch_failed", f"The photograph could not be read from S3 ({code or error}).")
