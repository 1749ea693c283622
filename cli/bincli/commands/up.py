"""`bintally up`: the whole system on this machine."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bincli.errors import CommandError, exit_on_error
from bincli.options import Json, Model
from bincli.output import Output
from bincli.text import visible
from bincli.up.desk import desk_text
from bincli.up.profile import LEAVE, NAME, SHELL_FILE, written_environment

if TYPE_CHECKING:
    from binlocal.desk import Desk
    from binlocal.stack import Stack

DEFAULT_PORT = 4566
BUCKETS = ("IntakeBucket", "OrdersBucket", "JobsBucket")
COMMANDS = """\
# Upload a photo. Its bin is its folder, or else its file name without the extension.
aws s3 cp photo.jpg s3://{IntakeBucket}/P-17-C/photo.jpg

# Read the count of bin P-17-C.
aws dynamodb get-item --table-name {BinsTable} --key '{{"bin_id": {{"S": "P-17-C"}}}}'

# Upload an order: consignment_id, bin_id, expected and, optionally, due_at.
printf 'consignment_id,bin_id,expected\\nC-1,P-17-C,3\\n' | aws s3 cp - s3://{OrdersBucket}/orders.csv

# Read the verdict on each line of consignment C-1.
aws dynamodb query --table-name {ConsignmentsTable} \\
  --key-condition-expression 'consignment_id = :id' --expression-attribute-values '{{":id": {{"S": "C-1"}}}}'
"""
CONTAINER = """\

# Run a function in a container, after `make build`.
sam local invoke SubmitFunction -e events/submit/schedule.json
"""


def up(
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            metavar="PORT",
            help="Port of the AWS endpoint; 0 is any free one. Default: 4566, or a free one if it is taken.",
        ),
    ] = None,
    model: Model = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter of template.yaml; repeatable.")
    ] = None,
    faults: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, help="Faults to inject, JSON."),
    ] = None,
    docker: Annotated[
        bool, typer.Option("--docker", help="Let containers reach it too, through the gateway of Docker's network.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run the whole system on this machine until Ctrl-C.

    Deploys template.yaml to an emulated AWS on 127.0.0.1. Prints the
    endpoint, the address of the desk with a password for each role, the
    buckets, and commands to copy and paste. Writes
    .work/local/aws.env, which points a terminal at the stack (AWS profile
    bintally-local), and sam-env.json for SAM. Both hold an access key that
    only this run accepts. When the stack stops, all its data is gone. With
    --json, one object with the endpoint, the outputs, the environment and
    the desk.

    \b
    Exit codes: 0 stopped by Ctrl-C, 1 it failed, 2 a --set is refused.

    \b
    Examples:
      bintally up
      bintally up --port 5000
      bintally up --set InferenceMode=auto --set BatchThreshold=100
      bintally up --faults faults.json    lose messages, kill the model...
      bintally up --docker                beside it, `sam local invoke` works
    """
    from binlocal.bridge import bridge_address
    from binlocal.processes import free_port
    from binlocal.stack import running_stack

    from bincli.counting import model_folder
    from bincli.deployment import stack_folder

    output = Output.standard(as_json)
    with exit_on_error():
        parameters, artifact, folder = parameters_of(settings or []), model_folder(model), stack_folder()
        port = free_port(DEFAULT_PORT) if port is None else port
        bridge = bridge_address() if docker else None
        output.info("Starting the local stack.")
        with ExitStack() as running:
            with output.err.status("Deploying template.yaml"):
                stack = running.enter_context(
                    running_stack(
                        workdir=folder, port=port, model=artifact, parameters=parameters, faults=faults, bridge=bridge
                    )
                )
                running.enter_context(written_environment(folder, stack.environment, variables_of(stack)))
            record = {"endpoint": stack.endpoint, "outputs": stack.outputs, "environment": stack.environment}
            shown = {**record, "desk": asdict(stack.desk) if stack.desk else None}
            text = introduction(stack.endpoint, stack.outputs, folder, stack.desk, docker=docker)
            output.emit([shown], text.split("\n"))
            stack.serve_forever()
        output.info("The stack has stopped.")


def variables_of(stack: Stack) -> Mapping[str, str]:
    """The environment variables that the template gives its functions."""
    name = stack.outputs["IntakeFunction"]
    configuration = stack.client("lambda").get_function_configuration(FunctionName=name)
    return dict(configuration["Environment"]["Variables"])


def parameters_of(settings: list[str]) -> dict[str, str]:
    """The local stack's own parameters and those of --set."""
    from binlocal.stack import PARAMETERS, ROOT
    from binlocal.template import load_template

    from bincli.up.parameters import read_parameters

    try:
        return {**PARAMETERS, **read_parameters(settings, load_template(ROOT / "template.yaml")["Parameters"])}
    except CommandError as error:
        raise typer.BadParameter(visible(error), param_hint="--set") from error


def introduction(
    endpoint: str, outputs: Mapping[str, str], folder: Path, desk: Desk | None = None, *, docker: bool = False
) -> str:
    """Where the stack is and what to type. From `source` on, every line can be pasted into a shell."""
    buckets = "\n".join(f"  {name:14}{outputs[name]}" for name in BUCKETS)
    return (
        f"The stack runs at {endpoint}. Ctrl-C stops it and deletes its data.\n\n{desk_text(desk)}{buckets}\n\n"
        f"To use the AWS CLI or any SDK with it, in another terminal (AWS profile {NAME}):\n\n"
        f"source {shlex.quote(str(folder / SHELL_FILE))}\n\n"
        f"{COMMANDS.format_map(outputs)}{CONTAINER if docker else ''}\n"
        f"# Go back to your own AWS in that terminal.\n{LEAVE}\n\n"
        "The bintally commands find the stack by themselves: try `bintally bins` or `bintally consignment`."
    )
