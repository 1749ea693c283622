"""The command lines of `sam`, and the deployments that a change of parameters takes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bincli.deployment import ROOT
from bincli.errors import CommandError
from bincli.stacks import StackDescription

SAM = ROOT / ".venv" / "sam" / "bin" / "sam"
BUILT = ROOT / ".aws-sam" / "build" / "template.yaml"
# `make build`, unless what is there was built from these files.
BUILD = ["make", "-C", str(ROOT), ".aws-sam/build/template.yaml"]
NAME = re.compile(r"[a-z][a-z0-9-]{0,27}")
# Parts of the model, which is immutable: a change of one needs another name.
MODEL = ("ModelImageUri", "ModelDataUrl", "RequestsPerInstance")
VERSION_LENGTH = 12
PLAIN = re.compile(r"[A-Za-z0-9_./:@,=+-]+")
Parameters = Mapping[str, str]


@dataclass(frozen=True)
class Target:
    """Where sam deploys to."""

    stack: str
    region: str
    profile: str | None = None
    template: Path = BUILT

    def deploy_argv(self, parameters: Parameters, *, execute: bool = True) -> list[str]:
        """`sam deploy` of what was built, with these parameters and the stack's own for all others."""
        argv = [str(SAM), "deploy", "--template-file", str(self.template)]
        argv += ["--config-file", str(ROOT / "samconfig.toml"), "--stack-name", self.stack, "--region", self.region]
        argv += ["--profile", self.profile] if self.profile else []
        argv += ["--no-confirm-changeset", "--no-fail-on-empty-changeset"]
        argv += [] if execute else ["--no-execute-changeset"]
        return argv + (["--parameter-overrides", *map(override, parameters.items())] if parameters else [])


def check_name(stack: str) -> None:
    """Raises CommandError for a stack name that the names of buckets can't contain."""
    if not NAME.fullmatch(stack):
        raise CommandError(
            f"{stack} can't be the stack's name: it is part of bucket names, so it has at most 28 characters, all of "
            "them lower-case letters, digits or hyphens, and starts with a letter."
        )


def override(parameter: tuple[str, str]) -> str:
    """A parameter as sam reads it, which has quotes of its own. Raises CommandError for what they can't carry."""
    name, value = parameter
    if PLAIN.fullmatch(value):
        return f"{name}={value}"
    if re.search(r"\\([\"' ]|$)", value):
        raise CommandError(f"{name}: sam can't take a backslash before a quote, a space or the end.")
    escaped = value.replace('"', '\\"')
    return f'{name}="{escaped}"'


def with_version(overrides: Parameters, current: Parameters) -> dict[str, str]:
    """`overrides` with a new ModelVersion if they change the model and name no version."""
    changed = any(name in overrides and overrides[name] != current.get(name) for name in MODEL)
    after = {**current, **overrides}
    if "ModelVersion" in overrides or not changed or not after.get("ModelImageUri"):
        return dict(overrides)
    parts = "\0".join(after.get(name, "") for name in MODEL)
    return {**overrides, "ModelVersion": hashlib.sha256(parts.encode()).hexdigest()[:VERSION_LENGTH]}


def deployments(stack: StackDescription | None, overrides: Parameters) -> list[dict[str, str]]:
    """The parameters of each deployment that is needed, in order.

    Tables are protected from deletion only in a second deployment: a first one that fails has to remove them. An
    endpoint's instance type can't change while the endpoint scales by itself, so scaling stops for a deployment.
    """
    protection = {"DeletionProtection": overrides.get("DeletionProtection", "true")}
    if stack is None:
        first = {name: value for name, value in overrides.items() if name not in protection}
        return [first, protection] if protection["DeletionProtection"] == "true" else [first]
    final = {**overrides, **protection}
    if changes_instance_type(stack, overrides):
        return [{"EndpointScaling": "off"}, {"EndpointScaling": "on", **final}]
    return [final]


def changes_instance_type(stack: StackDescription, overrides: Parameters) -> bool:
    """Whether the type of an endpoint that scales by itself changes."""
    now, name = stack.parameters, "InferenceInstanceType"
    scales = bool(now.get("ModelImageUri")) and now.get("EndpointScaling") == "on"
    return scales and name in overrides and overrides[name] != now.get(name)
