"""One deployed function, run with an event from a file."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from bincli.deployment import Deployment
from bincli.errors import CommandError
from bincli.output import visible_lines

FUNCTIONS = ("intake", "submit", "collect", "orders", "reconcile")


@dataclass(frozen=True)
class Invocation:
    """A function's answer (or, when `failed`, its error), and the end of its log (4 KB, as Lambda gives it)."""

    answer: Any
    failed: bool
    log: str


def invoke(deployment: Deployment, function: str, event: bytes) -> Invocation:
    """Run `function`, named as in FUNCTIONS or by its logical id, and wait for its answer."""
    response = deployment.client("lambda").invoke(
        FunctionName=deployment.output(logical_id(function)), Payload=event, LogType="Tail"
    )
    payload = response["Payload"].read()
    log = base64.b64decode(response.get("LogResult", "")).decode(errors="replace")
    return Invocation(json.loads(payload) if payload else None, "FunctionError" in response, log)


def show_invocation(invocation: Invocation, *, as_json: bool, out: Console, err: Console) -> None:
    """Print the answer, with the log apart from it; as JSON everything in one object."""
    if as_json:
        out.out(json.dumps(asdict(invocation)), highlight=False)
    else:
        err.out(visible_lines(without_metrics(invocation.log)), highlight=False)
        out.out(json.dumps(invocation.answer, indent=2), highlight=False)


def without_metrics(log: str) -> str:
    """The log without the lines that CloudWatch takes for metrics (embedded metric format: a member `_aws`)."""
    return "\n".join(line for line in log.split("\n") if not _is_metric(line))


def _is_metric(line: str) -> bool:
    try:
        record = json.loads(line)
    except ValueError:
        return False
    return isinstance(record, dict) and "_aws" in record


def logical_id(function: str) -> str:
    """`intake` and `IntakeFunction` are the same function. Raises CommandError for what is none."""
    short = function.removesuffix("Function").lower()
    if short not in FUNCTIONS:
        raise CommandError(f"There is no function {function}; there are {', '.join(FUNCTIONS)}.")
    return f"{short.capitalize()}Function"


def read_event(path: Path) -> bytes:
    """The event in a file. Raises CommandError where that is not JSON."""
    data = path.read_bytes()
    try:
        json.loads(data)
    except ValueError as error:
        raise CommandError(f"{path} is not JSON: {error}.") from error
    return data
