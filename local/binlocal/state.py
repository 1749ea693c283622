"""The state file through which other commands find a running stack."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from binlocal.processes import answers
from binlocal.workfolder import is_locked

STATE_FILE = "stack.json"
READY_PATH = "/_ministack/ready"
MEMBER_TYPES = {"stack_name": str, "endpoint": str, "environment": dict, "outputs": dict, "pid": int}


def write_state(workdir: Path, stack_name: str, environment: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Writes the file atomically."""
    state = {
        "stack_name": stack_name,
        "endpoint": environment["AWS_ENDPOINT_URL"],
        "environment": environment,
        "outputs": outputs,
        "pid": os.getpid(),
    }
    draft = workdir / f"{STATE_FILE}.draft"
    write_private(draft, json.dumps(state, indent=2))
    draft.replace(workdir / STATE_FILE)


def write_private(path: Path, text: str) -> None:
    """Writes a file that holds a stack's key, so that no other user of this machine can read it."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def remove_state(workdir: Path) -> None:
    (workdir / STATE_FILE).unlink(missing_ok=True)


def find_running(workdir: Path) -> dict[str, Any] | None:
    """The state of the stack that runs in `workdir`: stack_name, endpoint, environment, outputs, pid.

    None if no stack runs there or the file is invalid.
    """
    if not is_locked(workdir):
        return None
    try:
        state = json.loads((workdir / STATE_FILE).read_text())
    except (OSError, ValueError, RecursionError):
        return None
    return state if is_valid(state) and answers(state["endpoint"] + READY_PATH) else None


def is_valid(state: Any) -> bool:
    """Whether the state has the members that `write_state` writes and points to this machine only."""
    if not isinstance(state, dict) or not all(isinstance(state.get(name), kind) for name, kind in MEMBER_TYPES.items()):
        return False
    environment, outputs = state["environment"], state["outputs"]
    endpoints = [url for name, url in environment.items() if name.startswith("AWS_ENDPOINT_URL")]
    return (
        all(isinstance(value, str) for value in [*environment.values(), *outputs.values()])
        and environment.get("AWS_ENDPOINT_URL") == state["endpoint"]
        and all(map(is_loopback, endpoints))
    )


def is_loopback(url: str) -> bool:
    try:
        return urlsplit(url).hostname == "127.0.0.1"
    except ValueError:
        return False
