"""The `bintally` command. Each command imports what it needs when it runs, so that help is quick."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

from bincli import local_commands, operating_commands, query_commands

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
orders = typer.Typer(no_args_is_help=True)


def print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"bintally {version('bintally')}")
        raise typer.Exit


@app.callback()
def bintally(
    _version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Count the items in photographs of bins, and compare them with orders.

    \b
    Examples:
      bintally demo                  all of it on this machine, start to end
      bintally count shelf/          only count the photographs in a folder
      bintally up                    run the system here until Ctrl-C
      bintally bins --stack NAME     what a stack on AWS knows of each bin
      bintally audit                 is any photograph lost?

    Every command has --help with examples, and --json for programs.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not every terminal knows every letter
            stream.reconfigure(errors="backslashreplace")


@orders.callback()
def orders_group() -> None:
    """Bring consignment orders in."""


app.command()(local_commands.demo)
app.command()(local_commands.count)
app.command()(local_commands.up)
app.command()(local_commands.invoke)
app.command()(query_commands.bins)
app.command()(query_commands.consignment)
app.command()(operating_commands.jobs)
app.command()(operating_commands.audit)
app.command()(operating_commands.retry)
app.command()(operating_commands.redrive)
app.command()(operating_commands.backfill)
orders.command("import")(query_commands.import_orders)
app.add_typer(orders, name="orders")
