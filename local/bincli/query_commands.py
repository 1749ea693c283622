"""Commands that ask a stack, on AWS or local, and that bring orders into it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bincli.options import NOT_ALL, Json, Profile, Region, Stack, deployment, errors_said


def bins(
    bin_id: Annotated[str | None, typer.Argument(metavar="[BIN]", help="One bin. Without it: every bin.")] = None,
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Show what is in the bins: the latest count of each.

    With --json, one line for each bin.

    \b
    Examples:
      bintally bins
      bintally bins P-17-C                with the probability of each count
      bintally bins --stack prod --json   on AWS
    """

    from bincli.bins import show_bins
    from bincli.screen import Screen

    with errors_said():
        show_bins(deployment(stack, region, profile), bin_id, as_json=as_json, out=Screen())


def import_orders(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="Orders, CSV or JSON.")],
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for the import.")] = 120,
) -> None:
    """Import an orders file; show what was taken and what was refused.

    Columns: consignment_id, bin_id, expected and, if you like, due_at.
    Importing a file again changes nothing.
    Ends with 3 when some rows were refused; the good ones stand.

    \b
    Examples:
      bintally orders import orders.csv
      bintally orders import orders.json --stack prod
    """

    from bincli import orders
    from bincli.screen import Screen

    with errors_said():
        report = orders.import_orders(
            deployment(stack, region, profile), file.name, orders.read_order_file(file), patience=timeout
        )
        orders.show_report(report, as_json=as_json, out=Screen())
    if report["refused"]:
        raise typer.Exit(NOT_ALL)


def consignment(
    consignment_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="One consignment. Without it: all of them.")
    ] = None,
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Show the consignments and their verdicts, or the lines of one.

    A consignment's verdict is the one among its lines that needs attention
    first. With --json, one line for each consignment, or for each line of
    the one named.

    \b
    Examples:
      bintally consignment
      bintally consignment C-1
      bintally consignment C-1 --stack prod --json
    """

    from bincli.consignments import show_consignments
    from bincli.screen import Screen

    with errors_said():
        show_consignments(deployment(stack, region, profile), consignment_id, as_json=as_json, out=Screen())
