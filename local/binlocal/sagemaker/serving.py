"""How one asynchronous request is answered: input from S3, the container, output to S3, a notification to SNS."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from binlocal.sagemaker.clock import Clock
from binlocal.sagemaker.container import Answer
from binlocal.sagemaker.courier import Courier
from binlocal.sagemaker.errors import (
    ContainerError,
    ContainerTimeoutError,
    FailedRequestError,
    UnreadableObjectError,
)
from binlocal.sagemaker.faults import Faults
from binlocal.sagemaker.messages import AsyncRequest, completed, failed

DEFAULT_CONCURRENCY = 4
# A container that breaks off is started again; the request is tried anew before it is given up.
RETRIES = 2
RETRY_PAUSE_SECONDS = 1.0


class Storage(Protocol):
    """S3 and SNS. `read` raises UnreadableObjectError."""

    def read(self, uri: str) -> bytes: ...
    def write(self, uri: str, body: bytes, content_type: str) -> None: ...
    def publish(self, topic: str, message: Mapping[str, Any]) -> None: ...


class Model(Protocol):
    """The container. `invoke` raises ContainerError; any HTTP status is an answer. `settle` waits for a status."""

    @property
    def status(self) -> str: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def settle(self) -> str: ...
    def invoke(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Answer: ...


@dataclass(frozen=True)
class AsyncSettings:
    """The AsyncInferenceConfig of an endpoint configuration. Paths are S3 URIs."""

    output_path: str
    failure_path: str | None = None
    success_topic: str | None = None
    error_topic: str | None = None
    concurrency: int = DEFAULT_CONCURRENCY

    @property
    def topics(self) -> list[str]:
        return [topic for topic in (self.success_topic, self.error_topic) if topic]


@dataclass(frozen=True)
class Serving:
    model: Model
    storage: Storage
    settings: AsyncSettings
    region: str
    clock: Clock
    faults: Faults
    courier: Courier
    stopped: threading.Event = field(default_factory=threading.Event)

    def serve(self, request: AsyncRequest) -> None:
        """Writes the output or the failure object, byte for byte as the container answered, then notifies."""
        if self.is_late(request):
            self.expire(request)
            return
        try:
            answer = self._predict(request)
        except FailedRequestError as failure:
            self._fail(request, failure)
        else:
            self._complete(request, answer)

    def is_late(self, request: AsyncRequest) -> bool:
        return self.clock.now() - request.received > request.ttl

    def expire(self, request: AsyncRequest) -> None:
        """Ends a request that waited too long: with a failure, or without a word where the fault plan says so."""
        if self.faults.strikes("expiry.silent"):
            return
        reason = f"ClientError: The request expired after RequestTTLSeconds ({request.ttl}) in the queue."
        self._fail(request, FailedRequestError(reason))

    def _predict(self, request: AsyncRequest) -> Answer:
        try:
            body = self.storage.read(request.input_location)
            answer = self._invoke(body, request)
        except UnreadableObjectError as error:
            reason = f"ClientError: Unable to download the input {request.input_location}: {error}"
            raise FailedRequestError(reason) from error
        except ContainerTimeoutError as error:
            raise FailedRequestError(f"ClientError: Invocation timed out after {request.timeout} seconds.") from error
        except ContainerError as error:
            raise FailedRequestError(model_error(0)) from error
        if answer.status != 200:
            raise FailedRequestError(model_error(answer.status), answer.body)
        return answer

    def _invoke(self, body: bytes, request: AsyncRequest) -> Answer:
        for _ in range(RETRIES):
            try:
                return self.model.invoke(body, container_headers(request), request.timeout)
            except ContainerTimeoutError:
                raise
            except ContainerError:
                if self.clock.wait(self.stopped, RETRY_PAUSE_SECONDS):
                    raise
        return self.model.invoke(body, container_headers(request), request.timeout)

    def _complete(self, request: AsyncRequest, answer: Answer) -> None:
        self.storage.write(request.output_location, answer.body, answer.content_type)
        if topic := self.settings.success_topic:
            now = self.clock.now()
            message = completed(request, region=self.region, now=now, content_type=answer.content_type)
            self.courier.send(partial(self.storage.publish, topic, message))

    def _fail(self, request: AsyncRequest, failure: FailedRequestError) -> None:
        if request.failure_location:
            self.storage.write(request.failure_location, failure.body or failure.reason.encode(), "text/plain")
        if topic := self.settings.error_topic:
            message = failed(request, region=self.region, now=self.clock.now(), reason=failure.reason)
            self.courier.send(partial(self.storage.publish, topic, message))


def container_headers(request: AsyncRequest) -> dict[str, str]:
    headers = {
        "Content-Type": request.content_type,
        "Accept": request.accept,
        "X-Amzn-SageMaker-Custom-Attributes": request.custom_attributes,
        "X-Amzn-SageMaker-Inference-Id": request.inference_id,
    }
    return {name: value for name, value in headers.items() if value is not None}


def model_error(status: int) -> str:
    side = "client" if 400 <= status < 500 else "server"
    return (
        f"ClientError: Received {side} error ({status}) from model. "
        "See the SageMaker Endpoint logs in your account for more information."
    )
