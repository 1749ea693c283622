"""`bintally export`: what a stack knows as a file for other programs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bincli.deployment import Deployment, open_deployment
from bincli.errors import exit_on_error
from bincli.export.contents import DATED, SHEETS, Content, Days, adjustments_of, rows_of
from bincli.export.formats import WRITERS, Format
from bincli.options import Json, Profile, Region, Stack
from bincli.output import Output
from bincli.text import quantity


def export(
    content: Annotated[Content, typer.Argument(metavar="CONTENT", help="lines, counts, decisions or adjustments.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", dir_okay=False, help="File to write. Default: print the rows."),
    ] = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="Format of FILE. Default: what its name ends with, or csv.")
    ] = None,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], metavar="DATE", help="Only decisions of DATE (UTC) or later."),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], metavar="DATE", help="Only decisions of DATE (UTC) or earlier."),
    ] = None,
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Export lines, counts, decisions or adjustments.

    \b
    CONTENT is one of
      lines        every order line with its verdict
      counts       the latest count of each bin; a person's, if there is one
      decisions    what people said about photos, also what was undone
      adjustments  where a person's count differs from the order

    Without --out, prints CSV, or with --json one line of JSON for each row.
    FILE may end with .csv, .xlsx, .parquet, and for adjustments .json,
    which has the names that warehouse systems use. Text that a spreadsheet
    would run as a formula starts with an apostrophe in CSV. Rows are read
    and written page by page, and FILE is complete or absent.

    .xlsx needs the extra `xlsx`, and .parquet the extra `parquet`.

    \b
    Exit codes: 0 exported, 1 the stack can't be read or FILE not written.

    \b
    Examples:
      bintally export lines > lines.csv
      bintally export counts --out counts.xlsx
      bintally export adjustments --from 2026-05-04 --out adjustments.json
      bintally export decisions --out decisions.parquet --stack prod
    """
    if (first or last) and content not in DATED:
        raise typer.BadParameter(f"{content} have no day: leave --from and --to out.", param_hint="--from, --to")
    days = Days(first.date() if first else None, last.date() if last else None)
    chosen = format_of(out, form, content)
    output = Output.standard(as_json)
    with exit_on_error():
        deployment = open_deployment(stack, region, profile)
        if out is None:
            print_rows(deployment, content, days, output)
        else:
            write_file(deployment, content, days, out, chosen, output)


def format_of(out: Path | None, form: Format | None, content: Content) -> Format:
    """The format of the file. Raises BadParameter for one that does not go with the other options."""
    ending = out.suffix.lower().lstrip(".") if out else ""
    chosen = form or next((each for each in Format if each == ending), Format.CSV)
    if out is None and chosen is not Format.CSV:
        raise typer.BadParameter(f"{chosen} needs a file: add --out FILE.", param_hint="--format")
    if chosen is Format.JSON and content is not Content.ADJUSTMENTS:
        raise typer.BadParameter("json is for adjustments. For JSON of each row: leave --out out, and give --json.")
    return chosen


def print_rows(deployment: Deployment, content: Content, days: Days, output: Output) -> None:
    """Print the rows as CSV, or as JSON."""
    from bintally.domain.spreadsheets import csv_lines

    names, rows = SHEETS[content].names, rows_of(deployment, content, days, datetime.now(UTC))
    if output.as_json:
        output.emit((dict(zip(names, row, strict=True)) for row in rows), [])
        return
    for line in csv_lines(names, rows, "\n"):
        output.out.out(line, highlight=False, end="")


def write_file(
    deployment: Deployment, content: Content, days: Days, target: Path, form: Format, output: Output
) -> None:
    """Write the file, and say how many rows it has."""
    now = datetime.now(UTC)
    if form is Format.JSON:
        from bincli.export.wms import write_wms

        number = write_wms(target, deployment, adjustments_of(deployment, days, now))
    else:
        number = WRITERS[form](target, SHEETS[content], rows_of(deployment, content, days, now))
    record = {"content": str(content), "file": str(target), "format": str(form), "rows": number}
    output.emit([record], [f"{quantity(number, 'row')} of {content} in {target}."])
