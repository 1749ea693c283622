"""One Batch Transform job at work: its instances (one model server here), its shards, its outputs."""

import logging
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from binlocal.sagemaker.clock import Clock
from binlocal.sagemaker.container import Answer
from binlocal.sagemaker.errors import ContainerError, UnreadableObjectError
from binlocal.sagemaker.faults import Faults
from binlocal.sagemaker.serving import Model

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


class Storage(Protocol):
    """S3. `read` raises UnreadableObjectError."""

    def read(self, uri: str) -> bytes: ...
    def write(self, uri: str, body: bytes, content_type: str) -> None: ...


@dataclass(frozen=True)
class TransformRun:
    """`job` is its description; `inputs` are the S3 URIs of its shards. Setting `stopped` ends it without output."""

    job: Mapping[str, Any]
    inputs: Sequence[str]
    model: Model
    storage: Storage
    faults: Faults
    clock: Clock
    stopped: threading.Event

    def run(self) -> str | None:
        """The reason why the job failed, None when each shard has its output. The model is ended on the way out."""
        self.model.start()
        try:
            if self.model.settle() != "InService":
                return ALGORITHM_ERROR
            with ThreadPoolExecutor(self.job.get("MaxConcurrentTransforms") or 1) as pool:
                reasons = [*pool.map(self._transform, self.inputs)]
        finally:
            self.model.stop()
        return next(filter(None, reasons), None)

    def _transform(self, uri: str) -> str | None:
        """Writes the output of one shard. The reason why there is none, if so: the others go on."""
        if self.stopped.is_set():
            return None
        if self.faults.strikes("transform.shard"):
            return CLIENT_ERROR
        try:
            body = self.storage.read(uri)
            if len(body) > self.job.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB) * 1024 * 1024:
                logger.warning("%s: %s: Too much data for max payload size", self.job["TransformJobName"], uri)
                return CLIENT_ERROR
            answer = self._invoke(body)
        except UnreadableObjectError:
            return CLIENT_ERROR
        except ContainerError:
            return ALGORITHM_ERROR
        if answer.status != 200:
            return CLIENT_ERROR if answer.status < 500 else ALGORITHM_ERROR
        if not self.stopped.is_set():
            self.storage.write(output_of(self.job, uri), answer.body, answer.content_type)
        return None

    def _invoke(self, body: bytes) -> Answer:
        """Asks again, InvocationsMaxRetries times, when the container breaks off or answers 5xx."""
        config = self.job.get("ModelClientConfig", {})
        timeout = config.get("InvocationsTimeoutInSeconds", DEFAULT_TIMEOUT)
        for left in range(config.get("InvocationsMaxRetries", 0), -1, -1):
            try:
                answer = self.model.invoke(body, headers(self.job), timeout)
                if answer.status < 500 or not left:
                    return answer
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
    """Where the output of an input object goes: the same name below S3OutputPath, and `.out`."""
    prefix = job["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
    folder = prefix.rstrip("/") + "/" if uri.startswith(prefix.rstrip("/") + "/") else prefix.rpartition("/")[0] + "/"
    return f"{job['TransformOutput']['S3OutputPath'].rstrip('/')}/{uri.removeprefix(folder)}.out"


def container_environment(job: Mapping[str, Any], model: Mapping[str, str]) -> dict[str, str]:
    """The model's environment, the job's own, and what Batch Transform tells every container."""
    return {
        **model,
        **job.get("Environment", {}),
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(job.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB)),
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(job.get("MaxConcurrentTransforms") or 1),
        "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD" if job.get("BatchStrategy") == "SingleRecord" else "MULTI_RECORD",
    }
