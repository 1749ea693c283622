"""Bundles in S3. A bundle's key has the model's version, and what is there is never replaced."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import urlsplit

from bincli.errors import CommandError
from bincli.model.bundle import Bundle

NAME = "model.tar.gz"


def location_of(place: str, bundle: Bundle) -> str:
    """Where a bundle goes below `place`, s3://bucket/prefix: where `training/jobs.py register` puts it, too."""
    return f"{place.rstrip('/')}/models/{bundle.artifact.version}/{NAME}"


def place_of(location: str) -> str:
    """The `place` of a bundle that is at `location`."""
    return location.rsplit("/models/", 1)[0]


def upload(s3: Any, bundle: Bundle, location: str) -> bool:
    """Upload a bundle; False if it is there already. S3 compares the SHA-256.

    Raises CommandError if other bytes are there: a version names one model for good.
    """
    bucket, key = split(location)
    held = _digest_if_there(s3, bucket, key)
    if held == bundle.digest:
        return False
    if held:
        raise CommandError(f"{location} has another model of the version {bundle.artifact.version}. Package it again.")
    checksum = base64.b64encode(bytes.fromhex(bundle.digest)).decode()
    with bundle.path.open("rb") as file:
        s3.put_object(Bucket=bucket, Key=key, Body=file, ChecksumAlgorithm="SHA256", ChecksumSHA256=checksum)
    return True


def digest_at(s3: Any, location: str) -> str:
    """The SHA-256 of the object, in hex. Raises CommandError if there is none."""
    digest = _digest_if_there(s3, *split(location))
    if not digest:
        raise CommandError(f"{location} does not exist.")
    return digest


def split(location: str) -> tuple[str, str]:
    """Bucket and key of s3://bucket/key. Raises CommandError for anything else."""
    url = urlsplit(location)
    if url.scheme != "s3" or not url.netloc:
        raise CommandError(f"{location} is not like s3://bucket/prefix.")
    return url.netloc, url.path.lstrip("/")


def _digest_if_there(s3: Any, bucket: str, key: str) -> str:
    from botocore.exceptions import ClientError

    try:
        head = s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey", "NotFound"):
            return ""
        raise
    checksum = head.get("ChecksumSHA256", "")
    if checksum and "-" not in checksum:  # that of an upload in parts is one of the parts' checksums
        return base64.b64decode(checksum).hex()
    digest = hashlib.sha256()
    for chunk in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(1024**2):
        digest.update(chunk)
    return digest.hexdigest()
