"""Running a deployed function."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from bincli.deployment import Deployment
from bincli.errors import CommandError

FUNCTIONS = ("intake", "submit", "collect", "orders", "reconcile")


@dataclass(frozen=True)
class Invocation:
    """A function's response (its error if `failed`) and the end of its log (the last 4 KB)."""

    answer: Any
    failed: bool
    log: str


def invoke(deployment: Deployment, function: str, event: bytes) -> Invocation:
    """Run `function`, given as in FUNCTIONS or by its logical id, and wait for its response."""
    name = deployment.output(logical_id(function))
    response = deployment.functions.invoke(FunctionName=name, Payload=event, LogType="Tail")
    payload = response["Payload"].read()
    log = base64.b64decode(response.get("LogResult", "")).decode(errors="replace")
    return Invocation(json.loads(payload) if payload else None, "FunctionError" in response, log)


def logical_id(function: str) -> str:
    """`intake` and `IntakeFunction` are the same function. Raises CommandError for an unknown one."""
    short = function.removesuffix("Function").lower()
    if short not in FUNCTIONS:
        raise CommandError(f"Function {function} not found. The functions are {', '.join(FUNCTIONS)}.")
    return f"{short.capitalize()}Function"
