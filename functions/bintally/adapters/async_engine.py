"""SageMaker Async Inference: a manifest in the jobs bucket, one request for it, one output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bintally.adapters.job_files import JSON_LINES, JobFiles
from bintally.domain.errors import EngineUnavailableError
from bintally.domain.image import Image
from bintally.domain.jobs import Job, JobResult
from bintally.domain.manifest import Result

OUTPUTS, FAILURES = "async/output/", "async/failure/"  # as template.yaml configures the endpoint
MAX_REASON = 500  # characters. Longer failures are cut


class AsyncEngine:
    """Sends jobs to the endpoint `endpoint`."""

    supports_polling = False  # a request in progress looks like one that expired

    def __init__(self, files: JobFiles, runtime: Any, *, endpoint: str) -> None:
        self._files = files
        self._runtime = runtime
        self._endpoint = endpoint

    def prepare(self, job: Job, shards: Sequence[Sequence[Image]]) -> None:
        self._files.write_manifests(job, shards)

    def submit(self, job: Job) -> Mapping[str, str]:
        try:
            response = self._runtime.invoke_endpoint_async(
                EndpointName=self._endpoint,
                InputLocation=f"s3://{self._files.bucket}/{job.manifests[0]}",
                InferenceId=job.job_id,
                ContentType=JSON_LINES,
                Accept=JSON_LINES,
            )
        except (ClientError, BotoCoreError) as error:
            raise EngineUnavailableError(f"Endpoint {self._endpoint} did not accept {job.job_id}: {error}") from error
        return {"output_location": response["OutputLocation"], "failure_location": response["FailureLocation"]}

    def poll(self, job: Job) -> JobResult | None:
        if written_at := self._files.written_at(self._files.key_of(job.output_location, OUTPUTS)):
            return JobResult(job.job_id, job.output_location, ended_at=written_at)
        if not job.failure_location:
            return None
        key = self._files.key_of(job.failure_location, FAILURES)
        written_at = self._files.written_at(key)
        if written_at is None:
            return None
        reason = (self._files.read(key) or "")[:MAX_REASON] or "The request failed without a reason."
        return JobResult(job.job_id, None, reason, ended_at=written_at)

    def results(self, job: Job, output_location: str | None) -> Iterator[tuple[list[str], dict[str, Result]]]:
        return self._files.results(job, output_location, OUTPUTS)
