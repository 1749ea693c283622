"""The photos that bins show, from the intake bucket."""

from __future__ import annotations

from typing import Any

from bintally.domain.image import Image

GONE = ("NoSuchKey", "NoSuchVersion")


def stored_photo(s3: Any, image: Image) -> bytes | None:
    """The photo; None if it is no longer in the bucket. Raises ClientError for anything else."""
    version = {"VersionId": image.version_id} if image.version_id else {}
    try:
        data: bytes = s3.get_object(Bucket=image.bucket, Key=image.key, **version)["Body"].read()
    except s3.exceptions.ClientError as error:
        if error.response.get("Error", {}).get("Code") in GONE:
            return None
        raise
    return data
