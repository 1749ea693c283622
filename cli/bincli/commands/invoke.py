"""`bintally invoke`: run one function with an event from a file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bincli.deployment import open_deployment
from bincli.errors import FAILED, CommandError, exit_on_error
from bincli.functions import Invocation
from bincli.functions import invoke as invoke_function
from bincli.options import Json, Profile, Region, Stack
from bincli.output import Output


def invoke(
    function: Annotated[str, typer.Argument(metavar="FUNCTION", help="intake, submit, collect, orders or reconcile.")],
    event: Annotated[
        Path, typer.Option("--event", "-e", metavar="FILE", exists=True, dir_okay=False, help="Event, JSON.")
    ],
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Run one deployed function with an event.

    Prints its response, and the end of its log on standard error. With
    --json, one object with answer, failed and log.

    \b
    Exit codes: 0 it ran, 1 it failed, or it could not be run.

    \b
    Examples:
      bintally invoke submit -e events/submit/schedule.json
      bintally invoke IntakeFunction -e events/intake/s3-put.json
    """
    output = Output.standard(as_json)
    with exit_on_error():
        invocation = invoke_function(open_deployment(stack, region, profile), function, read_event(event))
        show(invocation, output)
    if invocation.failed:
        raise typer.Exit(FAILED)


def read_event(path: Path) -> bytes:
    """The event in a file. Raises CommandError if it is not JSON."""
    data = path.read_bytes()
    try:
        json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{path} is not JSON: {error}.") from error
    return data


def show(invocation: Invocation, output: Output) -> None:
    log = without_metrics(invocation.log)
    if log.strip() and not output.as_json:
        output.info_lines(log)
    output.emit([asdict(invocation)], json.dumps(invocation.answer, indent=2).split("\n"))


def without_metrics(log: str) -> str:
    """The log without the lines for CloudWatch metrics (embedded metric format: an object with `_aws`)."""
    return "\n".join(line for line in log.split("\n") if not _is_metric(line))


def _is_metric(line: str) -> bool:
    try:
        record = json.loads(line)
    except ValueError:
        return False
    return isinstance(record, dict) and "_aws" in record
