"""What CreateTransformJob refuses beyond the limits of single members."""

from collections.abc import Mapping
from typing import Any

from binlocal.sagemaker.errors import RefusedError
from binlocal.sagemaker.transform_run import DEFAULT_PAYLOAD_MB

MOST_MB = 100


def check_transform(members: Mapping[str, Any]) -> None:
    """Raises RefusedError."""
    concurrent = members.get("MaxConcurrentTransforms") or 1
    payload = members.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB)
    if payload > MOST_MB:
        raise refuse(f"The value of MaxPayloadInMB cannot be greater than {MOST_MB} MB.")
    if concurrent * payload > MOST_MB:
        raise refuse(
            f"The product of MaxConcurrentTransforms ({concurrent}) and MaxPayloadInMB ({payload}) "
            f"cannot be greater than {MOST_MB} MB."
        )
    if unknown := [name for name, known, value in choices(members) if value not in (None, known)]:
        raise refuse(f"The local SageMaker knows only the default of {', '.join(unknown)}.")


def choices(members: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """(member, the value that is known here, the value given) of what the real service has more ways for."""
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


def refuse(message: str) -> RefusedError:
    return RefusedError("ValidationException", message)
