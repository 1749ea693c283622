"""The `sagemaker-runtime` API: headers in, an accepted request or the container's answer out.

Header names and limits: botocore's service model `sagemaker-runtime` 2017-05-13.
"""

import re
import uuid
from collections.abc import Mapping

from binlocal.sagemaker.container import Answer
from binlocal.sagemaker.endpoint import Endpoint
from binlocal.sagemaker.errors import ContainerError, RefusedError
from binlocal.sagemaker.messages import AsyncRequest
from binlocal.sagemaker.serving import AsyncSettings

PREFIX = "X-Amzn-SageMaker-"
UNKNOWN = ("Filename", "S3OutputPathExtension")
REAL_TIME_SECONDS = 60.0
INFERENCE_ID = re.compile(r"\S[ -~]{0,63}")
INPUT_LOCATION = re.compile(r"s3://([^/]+)/(.+)")


def find_endpoint(endpoints: Mapping[str, Endpoint], name: str, account: str) -> Endpoint:
    endpoint = endpoints.get(name)
    if endpoint is None:
        raise refuse(f"Endpoint {name} of account {account} not found.")
    if endpoint.model.status == "Failed":
        raise refuse(f"Endpoint {name} of account {account} is not in service: its container never answered /ping.")
    return endpoint


def invoke(endpoint: Endpoint, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Real time. Raises RefusedError, with ModelError where the container fails, as InvokeEndpoint does."""
    if endpoint.serving is not None:
        raise refuse(f"Endpoint {endpoint.name} is asynchronous: use InvokeEndpointAsync.")
    try:
        answer = endpoint.model.invoke(body, passed_on(headers), REAL_TIME_SECONDS)
    except ContainerError as error:
        raise model_error(0, str(error)) from error
    if answer.status != 200:
        raise model_error(answer.status, answer.body.decode(errors="replace"))
    return answer


def answer_headers(answer: Answer) -> dict[str, str]:
    headers = {"Content-Type": answer.content_type, "x-Amzn-Invoked-Production-Variant": "AllTraffic"}
    attributes = answer.custom_attributes
    return headers if attributes is None else {**headers, f"{PREFIX}Custom-Attributes": attributes}


def accepted_headers(request: AsyncRequest) -> dict[str, str]:
    headers = {f"{PREFIX}OutputLocation": request.output_location}
    failure = request.failure_location
    return headers if failure is None else {**headers, f"{PREFIX}FailureLocation": failure}


def passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    names = ("Content-Type", "Accept", f"{PREFIX}Custom-Attributes")
    return {name: headers[name] for name in names if name in headers}


def model_error(status: int, message: str) -> RefusedError:
    side = "client" if 400 <= status < 500 else "server"
    return RefusedError("ModelError", f'Received {side} error ({status}) from primary with message "{message}".', 424)


def accept(endpoint: Endpoint, headers: Mapping[str, str], body: bytes, now: float) -> AsyncRequest:
    """The request that these headers describe. Raises RefusedError when they do not describe one."""
    if endpoint.serving is None:
        raise refuse(f"Endpoint {endpoint.name} is not asynchronous: use InvokeEndpoint.")
    if body or any(PREFIX + name in headers for name in UNKNOWN):
        raise refuse(f"The local SageMaker does not know Body, {' and '.join(UNKNOWN)}: use InputLocation alone.")
    inference_id = headers.get(f"{PREFIX}Inference-Id") or str(uuid.uuid4())
    location = headers.get(f"{PREFIX}InputLocation", "")
    if not INFERENCE_ID.fullmatch(inference_id):
        raise refuse("InferenceId must be 1 to 64 printable characters and not start with a space.")
    if not INPUT_LOCATION.fullmatch(location):
        raise refuse(f"InputLocation must be an S3 URI such as s3://bucket/key, not {location!r}.")
    output, failure = locations(endpoint.serving.settings)
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
    """Where output and failure go. Named by an id of SageMaker's own, never by the caller's InferenceId."""
    name = uuid.uuid4()
    failure = f"{settings.failure_path.rstrip('/')}/{name}-error.out" if settings.failure_path else None
    return f"{settings.output_path.rstrip('/')}/{name}.out", failure


def whole_number(headers: Mapping[str, str], name: str, least: int, most: int, *, default: int) -> int:
    text = headers.get(PREFIX + name, str(default))
    if not text.isdecimal() or not least <= int(text) <= most:
        raise refuse(f"{name} must be a whole number from {least} to {most}, not {text!r}.")
    return int(text)


def refuse(message: str) -> RefusedError:
    return RefusedError("ValidationError", message)
