"""What `bintally up` says about the stack that it runs, and what it writes for the AWS command and for SAM."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from binlocal.gate import DOCKER_HOST
from binlocal.processes import free_port
from binlocal.state import write_private

from bincli.errors import CommandError
from bincli.profile import CONFIG_FILE, LEAVE, NAME, SHELL_FILE, profile, shell_lines

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
