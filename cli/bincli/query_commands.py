"""Commands that ask a stack, on AWS or local, and that bring orders into it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bincli.options import Json, Profile, Region, Stack, deployment, errors_said


def bins(
    bin_id: Annotated[str | None, typer.Argument(metavar="[BIN]", help="One bin. Without it: every bin.")] = None,
    unordered: Annotated[
        bool, typer.Option("--unordered", help="Only bins that no order line names. Reads both tables in full.")
    ] = False,
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
      bintally bins --unordered           photographed, never ordered
      bintally bins --stack prod --json   on AWS
    """

    from bincli.commands.bins import show_bins
    from bincli.output import Screen

    if bin_id is not None and unordered:
        raise typer.BadParameter("--unordered lists bins: leave BIN out.")
    with errors_said():
        show_bins(deployment(stack, region, profile), bin_id, as_json=as_json, out=Screen(), unordered=unordered)


def import_orders(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="Orders: CSV, JSON or JSON Lines.")
    ],
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
    adds: Annotated[
        bool, typer.Option("--add", help="Only add and change lines: withdraw none that the file does not have.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait while nothing moves.")] = 120,
) -> None:
    """Import an orders file; show what was accepted and refused.

    CSV, JSON or JSON Lines, in UTF-8, with consignment_id, bin_id, expected
    and, if you like, due_at. The file replaces the consignments that it names:
    lines that it no longer has end as WITHDRAWN, unless rows were refused.
    Importing a file again changes nothing.

    Exit codes: 0 all accepted, 3 some rows refused (the good ones stand),
    2 nothing in the file could be read.

    \b
    Examples:
      bintally orders import orders.csv
      bintally orders import more.csv --add
      bintally orders import orders.json --stack prod
    """

    from bincli import order_import as orders
    from bincli.output import Screen
    from bincli.progress import bar_of_unknown

    with errors_said():
        stack_of, data = deployment(stack, region, profile), orders.read_order_file(file)
        with bar_of_unknown(Screen(stderr=True), "Importing") as on_progress:
            report = orders.import_orders(
                stack_of, file.name, data, patience=timeout, adds=adds, on_progress=on_progress
            )
        orders.show_report(report, as_json=as_json, out=Screen())
    raise typer.Exit(orders.exit_code(report))


def consignment(
    consignment_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="One consignment. Without it: all of them.")
    ] = None,
    unphotographed: Annotated[
        bool,
        typer.Option("--unphotographed", help="Only order lines of bins without a photo. Reads both tables in full."),
    ] = False,
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
      bintally consignment --unphotographed   ordered, no photo counted yet
      bintally consignment C-1 --stack prod --json
    """

    from bincli.commands.consignment import show_consignments, show_unphotographed
    from bincli.output import Screen

    if consignment_id is not None and unphotographed:
        raise typer.BadParameter("--unphotographed lists the lines of all consignments: leave ID out.")
    with errors_said():
        if unphotographed:
            show_unphotographed(deployment(stack, region, profile), as_json=as_json, out=Screen())
            return
        show_consignments(deployment(stack, region, profile), consignment_id, as_json=as_json, out=Screen())
