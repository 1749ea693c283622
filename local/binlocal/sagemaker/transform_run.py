"""One running Batch Transform job: a model server in place of its instances, its shards and their outputs."""

import logging
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from binlocal.sagemaker.clock import Clock
from binlocal.sagemaker.container import ContainerResponse, ModelServer
from binlocal.sagemaker.errors import ContainerError, UnreadableObjectError
from binlocal.sagemaker.faults import FaultInjector
from binlocal.sagemaker.storage import Storage

RETRY_PAUSE_SECONDS = 1.0
DEFAULT_TIMEOUT = 600
DEFAULT_PAYLOAD_MB = 6
NO_CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type."
)
CLIENT_ERROR = "ClientError: See job logs for more information"
ALGORITHM_ERROR = "AlgorithmError: See job logs for more information"
INTERNAL_ERROR = "InternalServerError: We encountered an internal error. Please try again."

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TransformRun:
    """`job` is the job's description, `inputs` are the S3 URIs of its shards. `stopped` ends it without output."""

    job: Mapping[str, Any]
    inputs: Sequence[str]
    model: ModelServer
    storage: Storage
    faults: FaultInjector
    clock: Clock
    stopped: threading.Event

    def run(self) -> str | None:
        """Writes an output for each shard, and stops the model server. Returns the failure reason, None on success."""
        self.model.start()
        try:
            if self.model.wait_until_started() != "InService":
                return ALGORITHM_ERROR
            with ThreadPoolExecutor(self.job.get("MaxConcurrentTransforms") or 1) as pool:
                reasons = [*pool.map(self._transform, self.inputs)]
        finally:
            self.model.stop()
        return next(filter(None, reasons), None)

    def _transform(self, uri: str) -> str | None:
        """Writes the output of one shard. Returns the failure reason, None on success. The other shards continue."""
        if self.stopped.is_set():
            return None
        if self.faults.occurs("transform.shard"):
            return CLIENT_ERROR
        try:
            body = self.storage.read(uri)
            if len(body) > self.job.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB) * 1024 * 1024:
                logger.warning("%s: %s: Too much data for max payload size", self.job["TransformJobName"], uri)
                return CLIENT_ERROR
            response = self._invoke(body)
        except UnreadableObjectError:
            return CLIENT_ERROR
        except ContainerError:
            return ALGORITHM_ERROR
        if response.status != 200:
            return CLIENT_ERROR if response.status < 500 else ALGORITHM_ERROR
        if not self.stopped.is_set():
            self.storage.write(output_of(self.job, uri), response.body, response.content_type)
        return None

    def _invoke(self, body: bytes) -> ContainerResponse:
        """Retries up to InvocationsMaxRetries times if there is no response or a 5xx response."""
        config = self.job.get("ModelClientConfig", {})
        timeout = config.get("InvocationsTimeoutInSeconds", DEFAULT_TIMEOUT)
        for left in range(config.get("InvocationsMaxRetries", 0), -1, -1):
            try:
                response = self.model.invoke(body, headers(self.job), timeout)
                if response.status < 500 or not left:
                    return response
            except ContainerError:
                if not left:
                    raise
            if self.clock.wait(self.stopped, RETRY_PAUSE_SECONDS):
                break
        raise ContainerError("the job was stopped")


def headers(job: Mapping[str, Any]) -> dict[str, str]:
    given = {
        "Content-Type": job["TransformInput"].get("ContentType"),
        "Accept": job["TransformOutput"].get("Accept"),
    }
    return {name: value for name, value in given.items() if value}


def output_of(job: Mapping[str, Any], uri: str) -> str:
    """The URI of an input's output: the same name below S3OutputPath, plus `.out`."""
    prefix = job["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
    folder = prefix.rstrip("/") + "/" if uri.startswith(prefix.rstrip("/") + "/") else prefix.rpartition("/")[0] + "/"
    return f"{job['TransformOutput']['S3OutputPath'].rstrip('/')}/{uri.removeprefix(folder)}.out"


def container_environment(job: Mapping[str, Any], model: Mapping[str, str]) -> dict[str, str]:
    """The model's environment, the job's environment, and the variables that Batch Transform sets."""
    return {
        **model,
        **job.get("Environment", {}),
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(job.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB)),
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(job.get("MaxConcurrentTransforms") or 1),
        "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD" if job.get("BatchStrategy") == "SingleRecord" else "MULTI_RECORD",
    }
