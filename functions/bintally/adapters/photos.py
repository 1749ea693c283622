"""Photos for a browser: presigned requests to the intake bucket."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from bintally.domain.image import Image
from bintally.domain.queue import PHOTO_ADDRESS

IMAGE_TYPE = "image/jpeg"  # of every photo, so that no browser shows a stored file as a page; <img> detects the format


class Photos:
    """Presigned requests. Nothing is sent to S3 to make them."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    @property
    def origin(self) -> str:
        """The origin of all the URLs."""
        url = urlsplit(self._get(self._bucket, "photo", None))
        return f"{url.scheme}://{url.netloc}"

    def url(self, image: Image) -> str:
        """A URL of exactly this version of the photo, for PHOTO_ADDRESS."""
        return self._get(image.bucket, image.key, image.version_id)

    def _get(self, bucket: str, key: str, version_id: str | None) -> str:
        version = {"VersionId": version_id} if version_id else {}
        params = {"Bucket": bucket, "Key": key, "ResponseContentType": IMAGE_TYPE, **version}
        seconds = int(PHOTO_ADDRESS.total_seconds())
        return str(self._client.generate_presigned_url("get_object", Params=params, ExpiresIn=seconds))
