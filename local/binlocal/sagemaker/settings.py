"""An endpoint configuration's settings for asynchronous inference."""

from typing import Any

from binlocal.sagemaker.async_inference import DEFAULT_CONCURRENCY, AsyncSettings
from binlocal.sagemaker.errors import ApiError

Members = dict[str, Any]


def async_settings(config: Members) -> AsyncSettings | None:
    """The AsyncInferenceConfig of an endpoint configuration. None for a real-time endpoint. Raises ApiError."""
    inference = config.get("AsyncInferenceConfig")
    if inference is None:
        return None
    output = inference["OutputConfig"]
    topics = output.get("NotificationConfig", {})
    if "S3OutputPath" not in output:
        raise ApiError("ValidationException", "AsyncInferenceConfig.OutputConfig needs S3OutputPath.")
    if topics.get("IncludeInferenceResponseIn"):
        raise ApiError("ValidationException", "The local SageMaker does not support IncludeInferenceResponseIn.")
    concurrency = inference.get("ClientConfig", {}).get("MaxConcurrentInvocationsPerInstance", DEFAULT_CONCURRENCY)
    return AsyncSettings(
        output_path=output["S3OutputPath"],
        failure_path=output.get("S3FailurePath"),
        success_topic=topics.get("SuccessTopic"),
        error_topic=topics.get("ErrorTopic"),
        concurrency=concurrency,
    )
