"""The state file of a running stack, by which other commands find it."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from binlocal.processes import answers

STATE_FILE = "stack.json"
READY_PATH = "/_ministack/ready"


def write_state(workdir: Path, stack_name: str, environment: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Writes the file whole: a reader sees all of it or none."""
    state = {
        "stack_name": stack_name,
        "endpoint": environment["AWS_ENDPOINT_URL"],
        "environment": environment,
        "outputs": outputs,
        "pid": os.getpid(),
    }
    draft = workdir / f"{STATE_FILE}.draft"
    draft.write_text(json.dumps(state, indent=2))
    draft.replace(workdir / STATE_FILE)


def remove_state(workdir: Path) -> None:
    (workdir / STATE_FILE).unlink(missing_ok=True)


def find_running(workdir: Path) -> dict[str, Any] | None:
    """The state of the stack that runs from `workdir`, None if none does.

    Its members: stack_name, endpoint, environment, outputs, pid.
    """
    try:
        state: dict[str, Any] = json.loads((workdir / STATE_FILE).read_text())
        os.kill(state["pid"], 0)
    except (FileNotFoundError, ProcessLookupError, ValueError, KeyError):
        return None
    return state if answers(state["endpoint"] + READY_PATH) else None
