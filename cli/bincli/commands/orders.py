"""`bintally orders`: order files and the catalogue of items into the stack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from bincli.deployment import open_deployment
from bincli.errors import INCOMPLETE, NOTHING_DONE, exit_on_error
from bincli.options import Json, Profile, Region, Stack
from bincli.order_import import Report, counts_text, import_orders, read_order_file, upload_catalogue
from bincli.output import Block, Output
from bincli.progress import progress_bar
from bincli.tables import Column, Table
from bincli.text import quantity


def import_file(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="Orders: CSV, JSON or JSON Lines.")
    ],
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
    add: Annotated[
        bool, typer.Option("--add", help="Only add and change lines. Withdraw none that FILE does not have.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="Give up after SECONDS without progress.")
    ] = 120,
) -> None:
    """Import an order file and report what was accepted.

    FILE is CSV, JSON or JSON Lines, in UTF-8, with consignment_id, bin_id,
    expected and, optionally, due_at. It replaces the consignments that it
    names: lines that it no longer has end as WITHDRAWN, unless rows were
    refused. Safe to rerun: importing a file again changes nothing.

    \b
    Exit codes:
      0  everything was accepted
      1  the stack could not be used
      2  nothing in the file could be read
      3  some rows were refused; the others are imported

    \b
    Examples:
      bintally orders import orders.csv
      bintally orders import more.csv --add
      bintally orders import orders.json --stack prod
    """
    output = Output.standard(as_json)
    with exit_on_error():
        deployment, data = open_deployment(stack, region, profile), read_order_file(file)
        with progress_bar(output.err, "Importing") as on_progress:
            report = import_orders(deployment, file.name, data, timeout=timeout, add=add, on_progress=on_progress)
        output.emit([report], view(report))
    raise typer.Exit(exit_code(report))


def catalogue(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="CSV: sku, volume_l.")],
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Upload the catalogue: the volume of one item by SKU.

    FILE is CSV in UTF-8 with sku and volume_l (litres). It replaces the
    catalogue of the stack. Order lines that state a sku and no
    item_volume_l get its volume when they are imported, so import orders
    again to correct them. Bad rows are reported and left out.

    \b
    Exit codes:
      0  every row is valid
      1  the stack could not be used
      2  no row is valid: nothing was uploaded
      3  some rows were refused; the others are used

    \b
    Examples:
      bintally orders catalogue items.csv
      bintally orders catalogue items.csv --stack prod
    """
    output = Output.standard(as_json)
    with exit_on_error():
        found = upload_catalogue(open_deployment(stack, region, profile), read_order_file(file))
        output.emit([found], catalogue_view(found))
    raise typer.Exit(catalogue_code(found))


def catalogue_code(found: Report) -> int:
    if not found["items"]:
        return NOTHING_DONE
    return INCOMPLETE if found["refused_rows"] else 0


def catalogue_view(found: Report) -> Iterator[Block]:
    """How many items the catalogue has, and each refused row with its reason."""
    items, refused = quantity(found["items"], "item"), quantity(found["refused_rows"], "row")
    yield f"{items} in the catalogue, {refused} refused." if found["items"] else f"{refused} refused, nothing uploaded."
    yield from _refused(found)


def exit_code(report: Report) -> int:
    if not report["accepted"] and not report["withdrawn"]:
        return NOTHING_DONE
    return INCOMPLETE if report["refused_rows"] else 0


def view(report: Report) -> Iterator[Block]:
    """How many lines were accepted, and each refused row with its reason."""
    yield counts_text(report)
    if report["changed_ids"]:
        yield _changed_ids(report)
    yield from _refused(report)


def _refused(report: Report) -> Iterator[Block]:
    if report["refused"]:
        yield refused_table(report)
    if unlisted := report["refused_rows"] - len(report["refused"]):
        yield f"and {quantity(unlisted, 'more row')}."


def _changed_ids(report: Report) -> str:
    first = report["changed"][0]
    change = f"{first['written']!a} to {first['imported_as']!a}"  # the two often look the same
    ids = quantity(report["changed_ids"], "id")
    return f"{ids} normalised (no outer spaces, Unicode NFC), the first on line {first['line']}: {change}."


def refused_table(report: Report) -> Table:
    table = Table([Column("Line", right=True), Column("Refused because", folds=True)])
    for row in report["refused"]:
        table.add(str(row["line"]), str(row["reason"]))
    return table
