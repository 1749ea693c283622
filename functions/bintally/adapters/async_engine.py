"""SageMaker Async Inference: a manifest in the jobs bucket, one request for it, one output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from bintally.adapters.dynamo import store_errors
from bintally.domain.errors import EngineUnavailableError, InvalidEventError
from bintally.domain.image import Image
from bintally.domain.jobs import Job
from bintally.domain.manifest import Answer, answers_of, image_ids_of, manifest_of

JSON_LINES = "application/jsonlines"
OUTPUTS = "/async/output/"  # as the endpoint in template.yaml is told


class AsyncEngine:
    """The endpoint `endpoint`, with its messages in the bucket `bucket`."""

    def __init__(self, s3: Any, runtime: Any, *, bucket: str, endpoint: str) -> None:
        self._s3 = s3
        self._runtime = runtime
        self._bucket = bucket
        self._endpoint = endpoint

    def prepare(self, job: Job, images: Sequence[Image]) -> None:
        with store_errors(f"Writing the manifest of {job.job_id}"):
            body = manifest_of(images).encode()
            self._s3.put_object(Bucket=self._bucket, Key=job.manifest, Body=body, ContentType=JSON_LINES)

    def submit(self, job: Job) -> Mapping[str, str]:
        try:
            answer = self._runtime.invoke_endpoint_async(
                EndpointName=self._endpoint,
                InputLocation=f"s3://{self._bucket}/{job.manifest}",
                InferenceId=job.job_id,
                ContentType=JSON_LINES,
                Accept=JSON_LINES,
            )
        except (ClientError, BotoCoreError) as error:
            raise EngineUnavailableError(f"Endpoint {self._endpoint} did not take {job.job_id}: {error}") from error
        return {"output": answer["OutputLocation"], "failure": answer["FailureLocation"]}

    def manifest(self, job: Job) -> list[str]:
        return image_ids_of(self._read(job.manifest))

    def output(self, location: str) -> dict[str, Answer]:
        address = urlsplit(location)
        if address.scheme != "s3" or address.netloc != self._bucket or not address.path.startswith(OUTPUTS):
            raise InvalidEventError(f"The output {location} is not in s3://{self._bucket}{OUTPUTS}.")
        return answers_of(self._read(address.path.removeprefix("/")))

    def _read(self, key: str) -> str:
        with store_errors(f"Reading s3://{self._bucket}/{key}"):
            return str(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read().decode(errors="replace"))
