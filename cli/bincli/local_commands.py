"""Commands that run on this machine: the model alone, the local stack, the demo."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from bincli.options import FAILED, NOT_ALL, Json, Model, Profile, Region, Stack, deployment, errors_said, usable_model


def count(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...", exists=True, readable=False, help="Photographs, or folders with photographs."
        ),
    ],
    as_json: Json = False,
    model: Model = None,
) -> None:
    """Count photographs on this machine, without a stack.

    A folder stands for every .jpg, .jpeg and .png below it.
    A count is 0 to 5, or 6+ for more than that. With --json, one line for
    each photograph, in the order given; for 6+ its "count" is null and its
    "at_least" is 6.
    Ends with 0 when all were counted, 3 when some were not, 2 when a path
    does not exist.

    \b
    Examples:
      bintally count shelf/
      bintally count a.jpg b.png --json
      bintally count shelf/ --json | jq -r '[.image, .count] | @tsv'
    """
    from binmodel.predict import Predictor

    from bincli.counting import NothingToCountError, count_images, images_in, print_counts
    from bincli.output import Screen, visible

    try:
        images = images_in(paths)
    except NothingToCountError as error:
        raise typer.BadParameter(visible(error), param_hint="PATH") from error
    with errors_said():
        lines = count_images(images, Predictor.load(usable_model(model)))
        all_counted = print_counts(lines, len(images), as_json=as_json, out=Screen(), err=Screen(stderr=True))
    if not all_counted:
        raise typer.Exit(NOT_ALL)


def up(
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="Port of the AWS endpoint, 0 for any free one; else 4566, or a free one if that is taken.",
        ),
    ] = None,
    model: Model = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter of template.yaml; repeatable.")
    ] = None,
    faults: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, help="Fault plan, JSON: what is to go wrong."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run the whole system on this machine until Ctrl-C.

    Deploys template.yaml as it is, listens on 127.0.0.1 only, and prints
    the endpoint, the buckets, and commands to copy and paste. Writes
    .work/local/aws.env, which takes a terminal to the profile
    bintally-local, and sam-env.json for SAM. Only programs that have the
    key in them get an answer; each start makes up a new one.
    What it holds is gone when it ends. Ends with 2 when a --set is refused.
    With --json, one object with the endpoint, outputs and environment.

    \b
    Examples:
      bintally up
      bintally up --port 5000
      bintally up --set InferenceMode=auto --set BatchThreshold=100
      bintally up --faults faults.json    lose messages, kill the model...
    """
    from binlocal.stack import PARAMETERS, ROOT, running_stack
    from binlocal.template import load_template

    from bincli.commands.up import introduction, usual_port, written_environment
    from bincli.deployment import stack_folder
    from bincli.output import Screen

    err = Screen(stderr=True)
    with errors_said():
        known = load_template(ROOT / "template.yaml")["Parameters"]
        parameters = {**PARAMETERS, **_parameters(settings or [], known)}
        artifact, folder = usable_model(model), stack_folder()
        chosen = usual_port() if port is None else port
        err.print("Starting the local stack.")
        with running_stack(workdir=folder, port=chosen, model=artifact, parameters=parameters, faults=faults) as stack:
            intake = stack.client("lambda").get_function_configuration(FunctionName=stack.outputs["IntakeFunction"])
            with written_environment(folder, stack.environment, intake["Environment"]["Variables"]):
                if as_json:
                    facts = {"endpoint": stack.endpoint, "outputs": stack.outputs, "environment": stack.environment}
                    typer.echo(json.dumps(facts))
                else:
                    typer.echo(introduction(stack.endpoint, stack.outputs, folder))
                stack.serve_forever()
        err.print("The stack has ended.")


def _parameters(settings: list[str], known: Mapping[str, Any]) -> dict[str, str]:
    from bincli.commands.up import check_parameters, parameters_in
    from bincli.errors import CommandError
    from bincli.output import visible

    try:
        parameters = parameters_in(settings, known)
        check_parameters(parameters, known)
    except CommandError as error:
        raise typer.BadParameter(visible(error), param_hint="--set") from error
    return parameters


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

    Prints its answer, and the end of its log on standard error.
    Ends with 1 when the function failed.

    \b
    Examples:
      bintally invoke submit -e events/submit/schedule.json
      bintally invoke IntakeFunction -e events/intake/s3-put.json
    """

    from bincli.functions import invoke, read_event, show_invocation
    from bincli.output import Screen

    with errors_said():
        invocation = invoke(deployment(stack, region, profile), function, read_event(event))
        show_invocation(invocation, as_json=as_json, out=Screen(), err=Screen(stderr=True))
    if invocation.failed:
        raise typer.Exit(FAILED)


def demo(
    images: Annotated[
        Path | None, typer.Option(metavar="DIR", exists=True, file_okay=False, help="Photographs to drop.")
    ] = None,
    orders: Annotated[
        Path | None, typer.Option(metavar="CSV", exists=True, dir_okay=False, help="Orders to compare the counts with.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Most photographs to drop; of --images the first.")] = None,
    report: Annotated[Path, typer.Option(help="The contact sheet; a CSV of everything is put beside it.")] = Path(
        "demo/report.png"
    ),
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Show the whole way, from a dropped photograph to a verdict.

    Starts a local stack of its own, imports orders, drops photographs, and
    waits until each is counted and compared.
    Without --images: the dataset in ../shared/abid, else 60 photographs from
    a public bucket, else pictures that it draws itself.
    Without --orders: orders made from the photographs' labels, with one line
    in ten altered, so that there is something to find.
    With --json, one summary object at the end.
    Ends with 3 when some photographs were not counted, with 1 when some are
    unaccounted for.

    \b
    Examples:
      bintally demo
      bintally demo --images shelf/ --orders orders.csv
      bintally demo --limit 1000 --json
    """

    from bincli.demo.run import run_demo, show
    from bincli.output import Screen, say

    err = Screen(stderr=True)
    with errors_said():
        result = run_demo(images, orders, limit, usable_model(model), err=err)
        show(result, report, as_json=as_json, out=Screen())
    if result.unfinished:
        say(err, f"Error: {result.unfinished}. The logs are in .work/demo.", "red")
        raise typer.Exit(FAILED)
    if result.totals.rejected:
        raise typer.Exit(NOT_ALL)
