"""What a model's description says of its containers."""

from typing import Any

from binlocal.sagemaker.errors import RefusedError

Members = dict[str, Any]


def environment_of(model: Members) -> dict[str, str]:
    """The environment of the model's first container. Raises RefusedError for a model without any."""
    primary = model.get("PrimaryContainer")
    containers = [primary] if primary else model.get("Containers", [])
    if not containers:
        raise RefusedError("ValidationException", "A model needs a PrimaryContainer.")
    environment: dict[str, str] = containers[0].get("Environment", {})
    return environment
