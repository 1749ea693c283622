"""The `sagemaker-runtime` API: turns headers into an accepted request, or returns the container's response.

Header names and limits: botocore's service model `sagemaker-runtime` 2017-05-13.
"""

import re
import uuid
from collections.abc import Mapping

from binlocal.sagemaker.async_inference import AsyncSettings
from binlocal.sagemaker.container import ContainerResponse
from binlocal.sagemaker.endpoint import Endpoint
from binlocal.sagemaker.errors import ApiError, ContainerError
from binlocal.sagemaker.messages import AsyncRequest

PREFIX = "X-Amzn-SageMaker-"
UNSUPPORTED = ("Filename", "S3OutputPathExtension")
REAL_TIME_SECONDS = 60.0
INFERENCE_ID = re.compile(r"\S[ -~]{0,63}")
INPUT_LOCATION = re.compile(r"s3://([^/]+)/(.+)")


def find_endpoint(endpoints: Mapping[str, Endpoint], name: str, account: str) -> Endpoint:
    endpoint = endpoints.get(name)
    if endpoint is None:
        raise validation_error(f"Endpoint {name} of account {account} not found.")
    if endpoint.model.status == "Failed":
        raise validation_error(
            f"Endpoint {name} of account {account} is not in service: its container never responded to /ping."
        )
    return endpoint


def invoke(endpoint: Endpoint, body: bytes, headers: Mapping[str, str]) -> ContainerResponse:
    """InvokeEndpoint. Raises ApiError, with code ModelError if the container fails."""
    if endpoint.inference is not None:
        raise validation_error(f"Endpoint {endpoint.name} is asynchronous: use InvokeEndpointAsync.")
    try:
        response = endpoint.model.invoke(body, forwarded(headers), REAL_TIME_SECONDS)
    except ContainerError as error:
        raise model_error(0, str(error)) from error
    if response.status != 200:
        raise model_error(response.status, response.body.decode(errors="replace"))
    return response


def response_headers(response: ContainerResponse) -> dict[str, str]:
    headers = {"Content-Type": response.content_type, "x-Amzn-Invoked-Production-Variant": "AllTraffic"}
    attributes = response.custom_attributes
    return headers if attributes is None else {**headers, f"{PREFIX}Custom-Attributes": attributes}


def accepted_headers(request: AsyncRequest) -> dict[str, str]:
    headers = {f"{PREFIX}OutputLocation": request.output_location}
    failure = request.failure_location
    return headers if failure is None else {**headers, f"{PREFIX}FailureLocation": failure}


def forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    names = ("Content-Type", "Accept", f"{PREFIX}Custom-Attributes")
    return {name: headers[name] for name in names if name in headers}


def model_error(status: int, message: str) -> ApiError:
    side = "client" if 400 <= status < 500 else "server"
    return ApiError("ModelError", f'Received {side} error ({status}) from primary with message "{message}".', 424)


def accept(endpoint: Endpoint, headers: Mapping[str, str], body: bytes, now: float) -> AsyncRequest:
    """The request that these headers describe. Raises ApiError if they are invalid."""
    if endpoint.inference is None:
        raise validation_error(f"Endpoint {endpoint.name} is not asynchronous: use InvokeEndpoint.")
    if body or any(PREFIX + name in headers for name in UNSUPPORTED):
        raise validation_error(
            f"The local SageMaker does not support Body, {' and '.join(UNSUPPORTED)}: use InputLocation alone."
        )
    inference_id = headers.get(f"{PREFIX}Inference-Id") or str(uuid.uuid4())
    location = headers.get(f"{PREFIX}InputLocation", "")
    if not INFERENCE_ID.fullmatch(inference_id):
        raise validation_error("InferenceId must be 1 to 64 printable characters and not start with a space.")
    if not INPUT_LOCATION.fullmatch(location):
        raise validation_error(f"InputLocation must be an S3 URI such as s3://bucket/key, not {location!r}.")
    output, failure = locations(endpoint.inference.settings)
    return AsyncRequest(
        endpoint=endpoint.name,
        inference_id=inference_id,
        input_location=location,
        output_location=output,
        failure_location=failure,
        received=now,
        content_type=headers.get(f"{PREFIX}Content-Type"),
        accept=headers.get(f"{PREFIX}Accept"),
        custom_attributes=headers.get(f"{PREFIX}Custom-Attributes"),
        ttl=whole_number(headers, "RequestTTLSeconds", 60, 21_600, default=21_600),
        timeout=whole_number(headers, "InvocationTimeoutSeconds", 1, 3_600, default=900),
    )


def locations(settings: AsyncSettings) -> tuple[str, str | None]:
    """The output and failure locations. SageMaker names them by its own id, not by the caller's InferenceId."""
    name = uuid.uuid4()
    failure = f"{settings.failure_path.rstrip('/')}/{name}-error.out" if settings.failure_path else None
    return f"{settings.output_path.rstrip('/')}/{name}.out", failure


def whole_number(headers: Mapping[str, str], name: str, minimum: int, maximum: int, *, default: int) -> int:
    text = headers.get(PREFIX + name, str(default))
    if not text.isdecimal() or not minimum <= int(text) <= maximum:
        raise validation_error(f"{name} must be a whole number from {minimum} to {maximum}, not {text!r}.")
    return int(text)


def validation_error(message: str) -> ApiError:
    return ApiError("ValidationError", message)
