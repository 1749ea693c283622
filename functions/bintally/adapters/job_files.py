"""The jobs bucket: manifests in, predictions out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from bintally.adapters.errors import store_errors
from bintally.domain.errors import InvalidEventError
from bintally.domain.image import Image
from bintally.domain.jobs import Job
from bintally.domain.manifest import Result, build_manifest, parse_manifest, parse_output
from bintally.domain.times import iso

JSON_LINES = "application/jsonlines"
MAX_BYTES = 16 * 2**20  # that are read of an object. 1,000 predictions have less than 1 MiB


class JobFiles:
    """The files of the engines in the bucket `bucket`."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self.bucket = bucket

    def write_manifests(self, job: Job, shards: Sequence[Sequence[Image]]) -> None:
        for key, images in zip(job.manifests, shards, strict=True):
            with store_errors(f"Writing the manifest {key}"):
                body = build_manifest(images).encode()
                self._s3.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=JSON_LINES)

    def manifests(self, job: Job) -> Iterator[tuple[str, list[str]]]:
        """The key and the image ids of each manifest."""
        for key in job.manifests:
            yield key, parse_manifest(self.read(key) or "")

    def results(
        self, job: Job, output_location: str | None, prefix: str
    ) -> Iterator[tuple[list[str], dict[str, Result]]]:
        """The image ids of each manifest, with the results in the job's one output; none without an output."""
        output = self.read(self.key_of(output_location, prefix)) if output_location else None
        results = parse_output(output or "")
        for _, image_ids in self.manifests(job):
            yield image_ids, results

    def read(self, key: str) -> str | None:
        """The text of an object, cut after 16 MiB so that no output fills the function's memory; None without one."""
        with store_errors(f"Reading s3://{self.bucket}/{key}"):
            try:
                body = self._s3.get_object(Bucket=self.bucket, Key=key)["Body"]
                return str(body.read(MAX_BYTES).decode(errors="replace"))
            except ClientError as error:
                if error.response["Error"]["Code"] != "NoSuchKey":
                    raise
                return None

    def written_at(self, key: str) -> str | None:
        """When an object was written (ISO 8601); None without one."""
        with store_errors(f"Reading s3://{self.bucket}/{key}"):
            try:
                written: datetime = self._s3.head_object(Bucket=self.bucket, Key=key)["LastModified"]
                return iso(written)
            except ClientError as error:
                if error.response["Error"]["Code"] != "404":  # a response to HEAD has no body that says NoSuchKey
                    raise
                return None

    def key_of(self, location: str, prefix: str) -> str:
        """The key in `s3://bucket/key`. Raises InvalidEventError if it is in another bucket or not under `prefix`."""
        bucket, _, key = location.removeprefix("s3://").partition("/")
        if not location.startswith("s3://") or bucket != self.bucket or not key.startswith(prefix):
            raise InvalidEventError(f"The output {location} is not in s3://{self.bucket}/{prefix}.")
        return key
