"""SageMaker Batch Transform: manifests below one prefix, one transform job, one output for each manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bintally.adapters.errors import store_errors
from bintally.adapters.job_files import JSON_LINES, JobFiles
from bintally.domain.errors import EngineUnavailableError, QuotaExceededError
from bintally.domain.image import Image
from bintally.domain.jobs import Job, JobResult
from bintally.domain.manifest import Result, parse_output
from bintally.domain.policy import instance_type
from bintally.domain.times import iso
from bintally.domain.transforms import name_of, result_of

NAME_IN_USE = ("ResourceInUse", "already exists")  # an error code, and part of a message
MANIFESTS_PER_INSTANCE = 2  # at the same time
MANIFEST_SECONDS = 3600  # before a request with one manifest times out


class BatchEngine:
    """Starts transform jobs with the model `model`."""

    supports_polling = True  # DescribeTransformJob finds every job

    def __init__(
        self, files: JobFiles, sagemaker: Any, *, model: str, instance_types: Sequence[str], instances: int
    ) -> None:
        self._files = files
        self._sagemaker = sagemaker
        self._model = model
        self._instance_types = instance_types
        self._instances = instances

    def prepare(self, job: Job, shards: Sequence[Sequence[Image]]) -> None:
        self._files.write_manifests(job, shards)

    def submit(self, job: Job) -> Mapping[str, str]:
        try:
            self._sagemaker.create_transform_job(**self._request(job))
        except ClientError as error:
            code, message = error.response["Error"]["Code"], str(error)
            if code == "ResourceLimitExceeded":
                raise QuotaExceededError(f"A quota of SageMaker's is used up, {job.job_id} waits: {message}") from error
            # A run that crashed may have created it. Its name is the same.
            if not any(text in f"{code} {message}" for text in NAME_IN_USE):
                raise EngineUnavailableError(f"SageMaker did not accept {job.job_id}: {error}") from error
        except BotoCoreError as error:
            raise EngineUnavailableError(f"SageMaker did not accept {job.job_id}: {error}") from error
        return {"output_location": self._output(job)}

    def poll(self, job: Job) -> JobResult | None:
        name = name_of(job)
        with store_errors(f"Describing {name}"):
            try:
                found = self._sagemaker.describe_transform_job(TransformJobName=name)
            except ClientError as error:
                if error.response["Error"]["Code"] not in ("ValidationException", "ResourceNotFound"):
                    raise
                return JobResult(
                    job.job_id, self._output(job), f"SageMaker does not know {name}.", job.transform_attempt
                )
        result = result_of(name, found["TransformJobStatus"], self._output(job), found.get("FailureReason", ""))
        ended = found.get("TransformEndTime")
        return replace(result, ended_at=iso(ended)) if result and ended else result

    def results(self, job: Job, output_location: str | None) -> Iterator[tuple[list[str], dict[str, Result]]]:
        folder = self._files.key_of(output_location, f"jobs/{job.job_id}/output/") if output_location else None
        for key, image_ids in self._files.manifests(job):
            name = f"{key.removeprefix(job.folder)}.out"
            yield image_ids, parse_output(self._files.read(folder + name) or "") if folder else {}

    def _output(self, job: Job) -> str:
        return f"s3://{self._files.bucket}/jobs/{job.job_id}/output/"

    def _request(self, job: Job) -> dict[str, Any]:
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{self._files.bucket}/{job.folder}"}
        kind = instance_type(self._instance_types, job.transform_attempt) or self._instance_types[-1]
        return {
            "TransformJobName": name_of(job),
            "ModelName": self._model,
            "TransformInput": {
                "DataSource": {"S3DataSource": source},
                "ContentType": JSON_LINES,
                "SplitType": "None",
                "CompressionType": "None",
            },
            "TransformOutput": {"S3OutputPath": self._output(job), "Accept": JSON_LINES, "AssembleWith": "None"},
            "TransformResources": {
                "InstanceType": kind,
                "InstanceCount": min(self._instances, len(job.manifests)),
            },
            "MaxConcurrentTransforms": MANIFESTS_PER_INSTANCE,
            "MaxPayloadInMB": 6,
            "BatchStrategy": "SingleRecord",
            "ModelClientConfig": {"InvocationsTimeoutInSeconds": MANIFEST_SECONDS, "InvocationsMaxRetries": 1},
        }
