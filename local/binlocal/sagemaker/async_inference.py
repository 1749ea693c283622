"""How one asynchronous request is served: input from S3, the container, output to S3, a notification to SNS."""

import threading
from dataclasses import dataclass, field
from functools import partial

from binlocal.sagemaker.clock import Clock
from binlocal.sagemaker.container import ContainerResponse, ModelServer
from binlocal.sagemaker.errors import (
    ContainerError,
    ContainerTimeoutError,
    FailedRequestError,
    UnreadableObjectError,
)
from binlocal.sagemaker.faults import FaultInjector
from binlocal.sagemaker.messages import AsyncRequest, completed, failed
from binlocal.sagemaker.notifier import Notifier
from binlocal.sagemaker.storage import Storage

DEFAULT_CONCURRENCY = 4
# A container that breaks the connection is being restarted, so the request is worth a retry.
RETRIES = 2
RETRY_PAUSE_SECONDS = 1.0


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
class AsyncInference:
    model: ModelServer
    storage: Storage
    settings: AsyncSettings
    region: str
    clock: Clock
    faults: FaultInjector
    notifier: Notifier
    stopped: threading.Event = field(default_factory=threading.Event)

    def serve(self, request: AsyncRequest) -> None:
        """Writes the container's response unchanged to the output or failure location, then notifies."""
        if self.is_expired(request):
            self.expire(request)
            return
        try:
            response = self._predict(request)
        except FailedRequestError as failure:
            self._fail(request, failure)
        else:
            self._complete(request, response)

    def is_expired(self, request: AsyncRequest) -> bool:
        return self.clock.now() - request.received > request.ttl

    def expire(self, request: AsyncRequest) -> None:
        """Ends a request that waited too long with a failure, or silently if the fault plan says so."""
        if self.faults.occurs("expiry.silent"):
            return
        reason = f"ClientError: The request expired after RequestTTLSeconds ({request.ttl}) in the queue."
        self._fail(request, FailedRequestError(reason))

    def _predict(self, request: AsyncRequest) -> ContainerResponse:
        try:
            body = self.storage.read(request.input_location)
            response = self._invoke(body, request)
        except UnreadableObjectError as error:
            reason = f"ClientError: Unable to download the input {request.input_location}: {error}"
            raise FailedRequestError(reason) from error
        except ContainerTimeoutError as error:
            raise FailedRequestError(f"ClientError: Invocation timed out after {request.timeout} seconds.") from error
        except ContainerError as error:
            raise FailedRequestError(model_error(0)) from error
        if response.status != 200:
            raise FailedRequestError(model_error(response.status), response.body)
        return response

    def _invoke(self, body: bytes, request: AsyncRequest) -> ContainerResponse:
        for _ in range(RETRIES):
            try:
                return self.model.invoke(body, container_headers(request), request.timeout)
            except ContainerTimeoutError:
                raise
            except ContainerError:
                if self.clock.wait(self.stopped, RETRY_PAUSE_SECONDS):
                    raise
        return self.model.invoke(body, container_headers(request), request.timeout)

    def _complete(self, request: AsyncRequest, response: ContainerResponse) -> None:
        self.storage.write(request.output_location, response.body, response.content_type)
        if topic := self.settings.success_topic:
            now = self.clock.now()
            message = completed(request, region=self.region, now=now, content_type=response.content_type)
            self.notifier.send(partial(self.storage.publish, topic, message))

    def _fail(self, request: AsyncRequest, failure: FailedRequestError) -> None:
        if request.failure_location:
            self.storage.write(request.failure_location, failure.body or failure.reason.encode(), "text/plain")
        if topic := self.settings.error_topic:
            message = failed(request, region=self.region, now=self.clock.now(), reason=failure.reason)
            self.notifier.send(partial(self.storage.publish, topic, message))


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
