"""What `bintally up` says about the stack that it runs, and what it writes for the AWS command and for SAM."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from bincli.errors import CommandError

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


AWS_FILE = "aws.env"
SAM_FILE = "sam-env.json"
# Under this name a container finds this machine's loopback, where Docker gives it that (Docker Desktop does).
HOST = "host.docker.internal"


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


def write_environment(folder: Path, environment: Mapping[str, str], variables: Mapping[str, str]) -> None:
    """Write `aws.env`, to be sourced by a shell, and `sam-env.json`, for `sam local invoke --env-vars`.

    `environment` points an SDK at the stack; `variables` are those that the template gives its functions.
    """
    (folder / AWS_FILE).write_text(exports(environment) + "\n")
    endpoints = {name: url.replace("127.0.0.1", HOST) for name, url in environment.items() if "ENDPOINT_URL" in name}
    (folder / SAM_FILE).write_text(json.dumps({"Parameters": {**variables, **endpoints}}, indent=2) + "\n")


def exports(environment: Mapping[str, str]) -> str:
    """Lines for a shell."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in environment.items())


def introduction(endpoint: str, outputs: Mapping[str, str], folder: Path) -> str:
    """Where the stack is and what to type, as text of which every line but the first few can be pasted into a shell."""
    buckets = "\n".join(f"  {name:14}{outputs[name]}" for name in BUCKETS)
    return (
        f"The stack runs at {endpoint}. Ctrl-C ends it, and with it all that it holds.\n\n{buckets}\n\n"
        f"In another terminal, for the AWS CLI or any SDK:\n\nsource {shlex.quote(str(folder / AWS_FILE))}\n\n"
        f"{COMMANDS.format_map(outputs)}\n"
        "The bintally commands find this stack by themselves: try `bintally bins` or `bintally consignment`."
    )
