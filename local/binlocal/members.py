"""CloudFormation's properties as members of an API request."""

from typing import Any

from botocore import xform_name


def coerce_types(value: Any, shape: Any) -> Any:
    """CloudFormation's strings as the numbers and booleans that the API expects."""
    match shape.type_name:
        case "structure":
            # boto3 reports names that the API does not know.
            known = shape.members
            return {name: coerce_types(item, known[name]) if name in known else item for name, item in value.items()}
        case "list":
            return [coerce_types(item, shape.member) for item in value]
        case "integer" | "long":
            return int(value)
        case "float" | "double":
            return float(value)
        case "boolean":
            return value in (True, "true")
    return value


def call(client: Any, operation: str, members: dict[str, Any]) -> Any:
    """Performs an operation, such as CreateEndpoint, with CloudFormation's properties. Raises ClientError."""
    shape = client.meta.service_model.operation_model(operation).input_shape
    return getattr(client, xform_name(operation))(**coerce_types(members, shape))
