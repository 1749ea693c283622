"""What `bintally up` says about the stack that it runs, and what it writes for the AWS command and for SAM."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from binlocal.gate import DOCKER_HOST
from binlocal.processes import free_port
from binlocal.state import write_private
from bintally.adapters.key_patterns import finder_of
from bintally.domain.due import site_zone

from bincli.errors import CommandError
from bincli.up.profile import CONFIG_FILE, LEAVE, NAME, SHELL_FILE, profile, shell_lines

COMMANDS = """\
# A photograph in; its bin is its folder, or else the file's name without the extension
aws s3 cp photo.jpg s3://{IntakeBucket}/P-17-C/photo.jpg

# What is in bin P-17-C
aws dynamodb get-item --table-name {BinsTable} --key '{{"bin_id": {{"S": "P-17-C"}}}}'

# An order in: columns consignment_id, bin_id, expected and, if you like, due_at
printf 'consignment_id,bin_id,expected\\nC-1,P-17-C,3\\n' | aws s3 cp - s3://{OrdersBucket}/orders.csv

# The verdict on each line of consignment C-1
aws dynamodb query --table-name {ConsignmentsTable} \\
  --key-condition-expression 'consignment_id = :id' --expression-attribute-values '{{":id": {{"S": "C-1"}}}}'
"""
BUCKETS = ("IntakeBucket", "OrdersBucket", "JobsBucket")


DEFAULT_PORT = 4566
SAM_FILE = "sam-env.json"
FILES = (CONFIG_FILE, SHELL_FILE, SAM_FILE)


def parameters_in(settings: Sequence[str], known: Collection[str]) -> dict[str, str]:
    """Template parameters from `NAME=VALUE`, the last of a name counting. Raises CommandError for one of no template.

    CloudFormation would refuse an unknown name, but the local stack leaves it out, and a slip of the pen is not seen.
    """
    parameters = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise CommandError(f"{setting} is not of the form NAME=VALUE.")
        if name not in known:
            raise CommandError(f"template.yaml has no parameter {name}; it has {', '.join(sorted(known))}.")
        parameters[name] = value
    return parameters


def check_parameters(parameters: Mapping[str, str], known: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises CommandError for a value that CloudFormation, or a function at its first event, would refuse."""
    for name, value in parameters.items():
        if fault := _fault(value, known.get(name, {})) or _fault_of_text(name, value):
            raise CommandError(f"{name}: {fault}")


def _fault(value: str, definition: Mapping[str, Any]) -> str:
    """What the template itself says against a value."""
    if definition.get("Type") == "Number":
        low, high = definition.get("MinValue", "-inf"), definition.get("MaxValue", "inf")
        try:
            fits = float(low) <= float(value) <= float(high)
        except ValueError:
            return f"{value!r} is not a number."
        if not fits:
            return f"{value} is not from {low} to {high}."
    allowed = [str(each) for each in definition.get("AllowedValues", [value])]
    if value not in allowed:
        return f"{value!r} is none of {', '.join(allowed)}."
    if len(value) > int(definition.get("MaxLength", len(value))):
        return f"it has more than {definition['MaxLength']} characters."
    if not re.fullmatch(definition.get("AllowedPattern", r"[\s\S]*"), value):
        return f"{value!r} {definition.get('ConstraintDescription', 'does not match ' + definition['AllowedPattern'])}."
    return ""


def _fault_of_text(name: str, value: str) -> str:
    """What only the functions could say."""
    checks: Mapping[str, Callable[[str], object]] = {"KeyPattern": finder_of, "SiteTimeZone": site_zone}
    try:
        checks.get(name, str)(value)
    except ValueError as error:
        return str(error)
    return ""


@contextmanager
def written_environment(folder: Path, environment: Mapping[str, str], variables: Mapping[str, str]) -> Iterator[None]:
    """Write an AWS profile, `aws.env` to be sourced by a shell, and `sam-env.json` for `sam local invoke --env-vars`.

    `environment` points an SDK at the stack; `variables` are those that the template gives its functions. On the way
    out they are removed: the key in them opens nothing any more.
    """
    endpoints = {
        name: url.replace("127.0.0.1", DOCKER_HOST) for name, url in environment.items() if "ENDPOINT_URL" in name
    }
    try:
        write_private(folder / CONFIG_FILE, profile(environment))
        write_private(folder / SAM_FILE, json.dumps({"Parameters": {**variables, **endpoints}}, indent=2) + "\n")
        write_private(folder / SHELL_FILE, shell_lines(folder / CONFIG_FILE))
        yield
    finally:
        for name in FILES:
            (folder / name).unlink(missing_ok=True)


def usual_port() -> int:
    """The same each time, so that addresses stay good; another one where it is taken."""
    return free_port(DEFAULT_PORT)


def introduction(endpoint: str, outputs: Mapping[str, str], folder: Path) -> str:
    """Where the stack is and what to type, as text of which every line but the first few can be pasted into a shell."""
    buckets = "\n".join(f"  {name:14}{outputs[name]}" for name in BUCKETS)
    return (
        f"The stack runs at {endpoint}. Ctrl-C ends it, and with it all that it holds.\n\n{buckets}\n\n"
        f"In another terminal, for the AWS CLI or any SDK (the profile {NAME}):\n\n"
        f"source {shlex.quote(str(folder / SHELL_FILE))}\n\n"
        f"{COMMANDS.format_map(outputs)}\n"
        f"# Back to your own AWS in that terminal\n{LEAVE}\n\n"
        "The bintally commands find this stack by themselves: try `bintally bins` or `bintally consignment`."
    )
