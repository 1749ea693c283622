"""What was created, by kind and name; kept in a file, so that it outlives the process."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from binlocal.sagemaker.clock import Clock
from binlocal.sagemaker.errors import RefusedError

Members = dict[str, Any]
KINDS = ("model", "endpoint-config", "endpoint", "transform-job")


class Registry:
    """`arn` is what all names begin with: `arn:aws:sagemaker:<region>:<account>`. Safe for several threads."""

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
        """The new description, with ARN and CreationTime. Raises RefusedError when there is one of this name."""
        described = {**members, arn_member(kind): self.arn(kind, name), "CreationTime": self._clock.now()}
        with self._lock:
            if name in self._described[kind]:
                raise exists(kind, self.arn(kind, name))
            self._described[kind][name] = described
            self._save()
        return {**described}

    def find(self, kind: str, name: str) -> Members:
        """A copy of the description. Raises RefusedError when there is none."""
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
            raise missing(kind, name, self.arn(kind, name))
        return self._described[kind][name]

    def _save(self) -> None:
        if self._path:
            draft = self._path.with_suffix(".draft")
            draft.write_text(json.dumps(self._described))
            draft.replace(self._path)


def arn_member(kind: str) -> str:
    """`EndpointConfigArn` for `endpoint-config`."""
    return "".join(word.capitalize() for word in kind.split("-")) + "Arn"


def exists(kind: str, arn: str) -> RefusedError:
    if kind == "transform-job":
        unique = "Job name must be unique within an AWS account and region"
        message = f"{unique}, and a job with this name already exists ({arn})"
        return RefusedError("ResourceInUse", message)
    return RefusedError("ValidationException", f'Cannot create already existing {kind} "{arn}".')


def missing(kind: str, name: str, arn: str) -> RefusedError:
    if kind == "transform-job":
        # SageMaker answers so, although its model of the API has ResourceNotFound.
        return RefusedError("ValidationException", f"Could not find requested job with name: {name}")
    return RefusedError("ValidationException", f'Could not find {kind.replace("-", " ")} "{arn}".')
