"""The model function: a manifest in the jobs bucket, one asynchronous invocation for it, one output."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bintally.adapters.job_files import JobFiles
from bintally.domain.errors import EngineUnavailableError
from bintally.domain.image import Image
from bintally.domain.jobs import Job, JobResult
from bintally.domain.manifest import Result

OUTPUTS = "lambda/output/"  # as template.yaml allows the function


class LambdaEngine:
    """Sends jobs to the function `function`, which writes the output to a location that follows from the job.

    The same job may run more than once, at the same time too. It then writes the same output again.
    """

    supports_polling = False  # nothing tells an event that waits from one that was dropped

    def __init__(self, files: JobFiles, lambda_client: Any, *, function: str) -> None:
        self._files = files
        self._lambda = lambda_client
        self._function = function

    def prepare(self, job: Job, shards: Sequence[Sequence[Image]]) -> None:
        self._files.write_manifests(job, shards)

    def submit(self, job: Job) -> Mapping[str, str]:
        output = f"s3://{self._files.bucket}/{_output_key(job)}"
        event = {
            "job_id": job.job_id,
            "input_location": f"s3://{self._files.bucket}/{job.manifests[0]}",
            "output_location": output,
        }
        try:
            self._lambda.invoke(FunctionName=self._function, InvocationType="Event", Payload=json.dumps(event))
        except (ClientError, BotoCoreError) as error:
            raise EngineUnavailableError(f"Function {self._function} did not accept {job.job_id}: {error}") from error
        return {"output_location": output}

    def poll(self, job: Job) -> JobResult | None:
        """The output. Failures are not kept anywhere: Lambda announces them once, through the error topic."""
        if written_at := self._files.written_at(self._files.key_of(job.output_location, OUTPUTS)):
            return JobResult(job.job_id, job.output_location, ended_at=written_at)
        return None

    def results(self, job: Job, output_location: str | None) -> Iterator[tuple[list[str], dict[str, Result]]]:
        return self._files.results(job, output_location, OUTPUTS)


def _output_key(job: Job) -> str:
    return f"{OUTPUTS}{job.job_id}.jsonl"
