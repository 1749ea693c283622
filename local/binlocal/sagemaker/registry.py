"""The created models, endpoint configurations, endpoints and transform jobs, saved in a file for a restart."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from binlocal.sagemaker.clock import Clock
from binlocal.sagemaker.errors import ApiError

Members = dict[str, Any]
KINDS = (
    "model",
    "endpoint-config",
    "endpoint",
    "transform-job",
    "scalable-target",
    "scaling-policy",
    "model-package-group",
    "model-package",
)


class Registry:
    """Thread-safe. `arn` is the prefix of all ARNs: `arn:aws:sagemaker:<region>:<account>`."""

    def __init__(self, arn: str, clock: Clock, path: Path | None = None) -> None:
        self._arn = arn
        self._clock = clock
        self._path = path
        self._lock = threading.Lock()
        self._described: dict[str, dict[str, Members]] = {kind: {} for kind in KINDS}
        if path and path.exists():
            self._described |= json.loads(path.read_text())

    def arn(self, kind: str, name: str) -> str:
        return f"{self._arn}:{kind}/{name.lower()}"

    def add(self, kind: str, name: str, members: Mapping[str, Any]) -> Members:
        """The new description with its ARN and CreationTime. Raises ApiError if the name exists."""
        described = {**members, arn_member(kind): self.arn(kind, name), "CreationTime": self._clock.now()}
        with self._lock:
            if name in self._described[kind]:
                raise already_exists(kind, self.arn(kind, name))
            self._described[kind][name] = described
            self._save()
        return {**described}

    def find(self, kind: str, name: str) -> Members:
        """A copy of the description. Raises ApiError if there is none."""
        with self._lock:
            return {**self._found(kind, name)}

    def update(self, kind: str, name: str, members: Mapping[str, Any]) -> Members:
        with self._lock:
            self._found(kind, name).update(members)
            self._save()
            return {**self._described[kind][name]}

    def remove(self, kind: str, name: str) -> None:
        with self._lock:
            self._found(kind, name)
            del self._described[kind][name]
            self._save()

    def all(self, kind: str) -> list[Members]:
        with self._lock:
            return [{**described} for described in self._described[kind].values()]

    def _found(self, kind: str, name: str) -> Members:
        if name not in self._described[kind]:
            raise not_found(kind, name, self.arn(kind, name))
        return self._described[kind][name]

    def _save(self) -> None:
        if self._path:
            draft = self._path.with_suffix(".draft")
            draft.write_text(json.dumps(self._described))
            draft.replace(self._path)


def arn_member(kind: str) -> str:
    """`EndpointConfigArn` for `endpoint-config`."""
    return "".join(word.capitalize() for word in kind.split("-")) + "Arn"


def already_exists(kind: str, arn: str) -> ApiError:
    if kind == "transform-job":
        unique = "Job name must be unique within an AWS account and region"
        message = f"{unique}, and a job with this name already exists ({arn})"
        return ApiError("ResourceInUse", message)
    return ApiError("ValidationException", f'Cannot create already existing {kind} "{arn}".')


def not_found(kind: str, name: str, arn: str) -> ApiError:
    if kind == "transform-job":
        # SageMaker's actual response, although its API model has ResourceNotFound.
        return ApiError("ValidationException", f"Could not find requested job with name: {name}")
    return ApiError("ValidationException", f'Could not find {kind.replace("-", " ")} "{arn}".')


def container_environment_of(model: Members) -> dict[str, str]:
    """The environment of the model's first container. Raises ApiError if the model has no container."""
    primary = model.get("PrimaryContainer")
    containers = [primary] if primary else model.get("Containers", [])
    if not containers:
        raise ApiError("ValidationException", "A model needs a PrimaryContainer.")
    environment: dict[str, str] = containers[0].get("Environment", {})
    return environment
