"""The `bintally` command.

The commands import boto3, rich, the model and the local stack only when they run, so that help is quick.
"""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

from bincli.commands import (
    audit,
    backfill,
    backup,
    bins,
    cancel,
    consignment,
    cost,
    count,
    decide,
    demo,
    deploy,
    destroy,
    export,
    image,
    invoke,
    jobs,
    labels,
    lines,
    model,
    orders,
    quality,
    recount,
    redrive,
    replay,
    retry,
    review,
    settings,
    smoke,
    up,
)

# Plain help: rich's boxes take three times as long, and break text that people copy.
app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
order_commands = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Import and cancel orders.")
model_commands = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Push, deploy and compare models.")
label_commands = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Export what people counted.")
setting_commands = typer.Typer(
    cls=settings.ShowFirst, rich_markup_mode=None, help="Show and change the settings of verdicts."
)


def print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        typer.echo(f"bintally {version('bintally')}")
        raise typer.Exit


@app.callback()
def bintally(
    _version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Count the items in photos of bins, and compare them with orders.

    \b
    Examples:
      bintally demo                  everything on this machine, start to end
      bintally count shelf/          only count the photos in a folder
      bintally up                    run the system here until Ctrl-C
      bintally bins --stack NAME     the counts of a stack on AWS
      bintally audit                 is any photo lost?

    Every command has --help with examples, and --json for programs.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not every terminal can show every character
            stream.reconfigure(errors="backslashreplace")


for command in (
    demo.demo,
    count.count,
    up.up,
    invoke.invoke,
    bins.bins,
    consignment.consignment,
    lines.lines,
    review.review,
    decide.decide,
    decide.history,
    quality.quality,
    export.export,
    jobs.jobs,
    audit.audit,
    smoke.smoke,
    retry.retry,
    recount.recount,
    redrive.redrive,
    backfill.backfill,
    image.image,
    deploy.deploy,
    destroy.destroy,
    cost.cost,
    backup.backup,
    backup.restore,
):
    app.command()(command)
order_commands.command("import")(orders.import_file)
order_commands.command()(orders.catalogue)
order_commands.command()(cancel.cancel)
app.add_typer(order_commands, name="orders")
label_commands.command()(labels.export)
app.add_typer(label_commands, name="labels")
model_commands.command()(model.status)
model_commands.command()(model.push)
model_commands.command()(model.deploy)
model_commands.command()(model.rollback)
model_commands.command()(replay.replay)
app.add_typer(model_commands, name="model")
setting_commands.command()(settings.show)
setting_commands.command("set")(settings.change)
setting_commands.command()(settings.history)
setting_commands.command()(settings.reset)
app.add_typer(setting_commands, name="settings")
