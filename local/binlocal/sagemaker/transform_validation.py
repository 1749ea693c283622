"""CreateTransformJob's validation beyond the constraints of single members."""

from collections.abc import Mapping
from typing import Any

from binlocal.sagemaker.errors import ApiError
from binlocal.sagemaker.transform_run import DEFAULT_PAYLOAD_MB

MAX_TOTAL_MB = 100


def check_transform(members: Mapping[str, Any]) -> None:
    """Raises ApiError."""
    concurrent = members.get("MaxConcurrentTransforms") or 1
    payload = members.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB)
    if payload > MAX_TOTAL_MB:
        raise validation_error(f"The value of MaxPayloadInMB cannot be greater than {MAX_TOTAL_MB} MB.")
    if concurrent * payload > MAX_TOTAL_MB:
        raise validation_error(
            f"The product of MaxConcurrentTransforms ({concurrent}) and MaxPayloadInMB ({payload}) "
            f"cannot be greater than {MAX_TOTAL_MB} MB."
        )
    if unsupported := [name for name, default, value in options(members) if value not in (None, default)]:
        raise validation_error(f"The local SageMaker supports only the default of {', '.join(unsupported)}.")


def options(members: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """The name, the supported value and the given value of each option."""
    inputs, output = members["TransformInput"], members["TransformOutput"]
    return [
        ("S3DataType", "S3Prefix", inputs["DataSource"]["S3DataSource"]["S3DataType"]),
        ("SplitType", "None", inputs.get("SplitType")),
        ("CompressionType", "None", inputs.get("CompressionType")),
        ("AssembleWith", "None", output.get("AssembleWith")),
        ("JoinSource", "None", members.get("DataProcessing", {}).get("JoinSource")),
        ("InputFilter", "$", members.get("DataProcessing", {}).get("InputFilter")),
        ("OutputFilter", "$", members.get("DataProcessing", {}).get("OutputFilter")),
        ("DataCaptureConfig", "", members.get("DataCaptureConfig")),
    ]


def validation_error(message: str) -> ApiError:
    return ApiError("ValidationException", message)
