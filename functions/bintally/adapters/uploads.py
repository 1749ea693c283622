"""What people bring to the desk: photos, which a browser uploads by itself, and order files."""

from __future__ import annotations

import mimetypes
from typing import Any

from bintally.adapters.errors import store_errors
from bintally.adapters.order_files import ADD, MODE, REPLACE
from bintally.domain.queue import PHOTO_ADDRESS


class Uploads:
    """The intake bucket and the orders bucket, to write."""

    def __init__(self, client: Any, intake_bucket: str, orders_bucket: str) -> None:
        self._client = client
        self._intake_bucket = intake_bucket
        self._orders_bucket = orders_bucket

    def photo(self, key: str, size: int) -> tuple[str, dict[str, str]]:
        """A URL to which a photo of exactly `size` bytes can be PUT for a few minutes, and the headers to send."""
        media_type = mimetypes.guess_type(key)[0] or ""
        headers = {"Content-Type": media_type if media_type.startswith("image/") else "application/octet-stream"}
        params = {"Bucket": self._intake_bucket, "Key": key, "ContentLength": size}
        params["ContentType"] = headers["Content-Type"]
        seconds = int(PHOTO_ADDRESS.total_seconds())
        return self._client.generate_presigned_url("put_object", Params=params, ExpiresIn=seconds), headers

    def orders(self, key: str, data: bytes, *, adds: bool) -> str:
        """Upload an order file, which the stack then imports; its version."""
        with store_errors(f"Writing s3://{self._orders_bucket}/{key}"):
            metadata = {MODE: ADD if adds else REPLACE}
            answer = self._client.put_object(Bucket=self._orders_bucket, Key=key, Body=data, Metadata=metadata)
        return str(answer["VersionId"])
