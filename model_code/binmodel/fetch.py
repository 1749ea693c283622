"""Images of a manifest, read from S3."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from binmodel.images import ImageError, Limits, check_bytes
from binmodel.manifest import Entry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MISSING = {"404", "NoSuchKey", "NoSuchVersion", "NoSuchBucket", "MethodNotAllowed"}  # the last: a delete marker
_DENIED = {"403", "AccessDenied", "AllAccessDisabled", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"}


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


def read_object(client: S3Client, entry: Entry, limits: Limits) -> bytes:
    """The bytes of an entry's object. Its size is checked on the response's header, before the body is read.

    Raises ImageError: the entry's own `problem`, `not_found`, `access_denied`, `too_many_bytes` or `fetch_failed`,
    of which only the last can change by itself.
    """
    if entry.problem:
        raise entry.problem
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


def _explained(error: ClientError) -> ImageError:
    code = error.response.get("Error", {}).get("Code", "")
    if code in _MISSING:
        return ImageError("not_found", f"The photograph is not in the bucket, or this version of it is gone ({code}).")
    if code in _DENIED:
        message = f"The model may not read the photograph ({code}); S3 also says so of one that is not there."
        return ImageError("access_denied", message)
    return ImageError("fetch_failed", f"The photograph could not be read from S3 ({code or error}).")
