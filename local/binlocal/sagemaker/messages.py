"""The messages that Async Inference publishes to SNS, with SageMaker's fields.

Format: SageMaker developer guide, "Check prediction results". Failure messages have no `responseParameters`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

TEST_NOTIFICATION = {"eventVersion": "1.0", "eventSource": "aws:sagemaker", "eventName": "TestNotification"}


@dataclass(frozen=True)
class AsyncRequest:
    """An accepted InvokeEndpointAsync request. Locations are S3 URIs, `received` is in seconds since the epoch."""

    endpoint: str
    inference_id: str
    input_location: str
    output_location: str
    failure_location: str | None
    received: float
    content_type: str | None = None
    accept: str | None = None
    custom_attributes: str | None = None
    ttl: int = 21_600
    timeout: int = 900


def completed(request: AsyncRequest, *, region: str, now: float, content_type: str) -> dict[str, Any]:
    return {
        **_common_fields(request, region, now, "Completed"),
        "requestParameters": _request_parameters(request),
        "responseParameters": {"contentType": content_type, "outputLocation": request.output_location},
        **_event_fields(request),
    }


def failed(request: AsyncRequest, *, region: str, now: float, reason: str) -> dict[str, Any]:
    return {
        **_common_fields(request, region, now, "Failed"),
        "failureReason": reason,
        "requestParameters": _request_parameters(request),
        **_event_fields(request),
    }


def _common_fields(request: AsyncRequest, region: str, now: float, status: str) -> dict[str, Any]:
    return {
        "awsRegion": region,
        "eventTime": timestamp(now),
        "receivedTime": timestamp(request.received),
        "invocationStatus": status,
    }


def _request_parameters(request: AsyncRequest) -> dict[str, str]:
    parameters = {
        "accept": request.accept,
        "contentType": request.content_type,
        "customAttributes": request.custom_attributes,
        "endpointName": request.endpoint,
        "inputLocation": request.input_location,
    }
    return {name: value for name, value in parameters.items() if value is not None}


def _event_fields(request: AsyncRequest) -> dict[str, Any]:
    return {
        "inferenceId": request.inference_id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }


def timestamp(seconds: float) -> str:
    """`2022-01-25T22:46:00.608Z`"""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
