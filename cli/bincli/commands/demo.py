"""`bintally demo`: from a photo to a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bincli.count_text import confidence_text
from bincli.demo.results import Result, riskiest_first
from bincli.errors import FAILED, INCOMPLETE, exit_on_error
from bincli.options import Json, Model
from bincli.output import Block, Output, Record
from bincli.tables import Column, Table
from bincli.text import quantity, verb
from bincli.verdicts import FirstLooks, first_looks, risk_text, verdict_text

if TYPE_CHECKING:
    from binlocal.desk import Desk
    from binlocal.stack import Stack

    from bincli.demo.drop import Drop

MAX_ROWS = 40
LOOKS = 20  # order lines to look at first


def demo(
    images: Annotated[
        Path | None, typer.Option(metavar="DIR", exists=True, file_okay=False, help="Folder of photos.")
    ] = None,
    orders: Annotated[
        Path | None, typer.Option(metavar="FILE", exists=True, dir_okay=False, help="Orders to compare with.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Maximum number of photos.")] = None,
    report: Annotated[
        Path,
        typer.Option(
            metavar="PNG", dir_okay=False, help="Contact sheet to write. A CSV file with all results has the same name."
        ),
    ] = Path("demo/report.png"),
    desk: Annotated[
        bool, typer.Option("--open", help="Keep the stack running, and open the desk in a browser.")
    ] = False,
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Show the whole system, from a photo to a verdict.

    Starts a local stack of its own, imports orders, uploads photos, and
    waits until each is counted and compared. Without --images it uses the
    dataset in ../shared/abid, or downloads 60 photos from a public bucket,
    or draws bins. Without --orders it makes orders from the photos' labels
    and alters one line in ten, so there is something to find. With --open,
    it ends at the desk, where people settle what is uncertain, until
    Ctrl-C. With --json, one summary object at the end.

    \b
    Exit codes:
      0  all photos were counted
      1  it failed, or photos are unaccounted for
      3  some photos were rejected

    \b
    Examples:
      bintally demo
      bintally demo --images shelf/ --orders orders.csv
      bintally demo --open
      bintally demo --limit 1000 --json
    """
    from bincli.counting import model_folder
    from bincli.demo.run import run_demo

    if report.suffix.lower() != ".png":
        raise typer.BadParameter("must end with .png: the CSV file has the same name.", param_hint="--report")
    output = Output.standard(as_json)
    with exit_on_error():
        report.parent.mkdir(parents=True, exist_ok=True)  # fails now, not after everything is counted

        def then(drop: Drop, stack: Stack) -> None:
            show(drop, report, output)
            if desk and stack.desk:
                stay(stack, stack.desk, output)

        drop = run_demo(images, orders, limit, model_folder(model), output, then)
    if drop.unfinished:
        output.info(f"Error: {drop.unfinished}. The logs are in .work/demo.", "red")
        raise typer.Exit(FAILED)
    if drop.totals.rejected:
        raise typer.Exit(INCOMPLETE)


def stay(stack: Stack, desk: Desk, output: Output) -> None:
    """Say where the desk is, open it, and keep the stack until Ctrl-C."""
    from bincli.up.desk import desk_text, open_in_browser

    for line in f"\n{desk_text(desk)}Ctrl-C stops the stack and deletes its data.".split("\n"):
        output.info(line)
    open_in_browser(desk)
    stack.serve_forever()


def show(drop: Drop, report: Path, output: Output) -> None:
    """Write the contact sheet and the CSV file, and print the results."""
    from bincli.demo.contact_sheet import write_contact_sheet
    from bincli.demo.spreadsheet import write_results

    write_contact_sheet(report, drop.results, drop.totals)
    write_results(report.with_suffix(".csv"), drop.results)
    output.emit([summary(drop, report)], view(drop, report))


def summary(drop: Drop, report: Path) -> Record:
    """What `bintally demo --json` prints."""
    totals = drop.totals
    return {
        "images": totals.images,
        "counted": totals.counted,
        "rejected": totals.rejected,
        "unaccounted": totals.unaccounted,
        "seconds": round(totals.seconds, 3),
        "images_per_second": round(totals.images_per_second, 2),
        "verdicts": dict(drop.verdicts),
        "first_looks": asdict(first_of(drop.results)),
        "wrong_lines": len(drop.wrong),
        "wrong_lines_in_first_looks": wrong_in_first(drop),
        "report": str(report),
    }


def view(drop: Drop, report: Path) -> Iterator[Block]:
    yield results_table(drop.results)
    hidden = len(drop.results) - MAX_ROWS
    if hidden > 0:
        yield f"and {hidden:,} more, with less risk"
    yield ""
    yield from totals_view(drop)
    yield f"contact sheet: {report}"
    yield f"everything: {report.with_suffix('.csv')}"


def totals_view(drop: Drop) -> Iterator[Block]:
    totals = drop.totals
    yield (
        f"{quantity(totals.images, 'photo')}: {totals.counted:,} counted, {totals.rejected:,} rejected, "
        f"{totals.unaccounted:,} unaccounted for"
    )
    yield (f"{totals.seconds:,.1f} s from the first upload to the last count: {totals.images_per_second:,.1f} photos/s")
    verdicts = ", ".join(f"{number:,} {verdict}" for verdict, number in drop.verdicts.items())
    yield f"order lines: {verdicts or 'none'}"
    looks = first_of(drop.results)
    if looks.looks:
        yield looks.sentence()
    if drop.wrong:
        found, all_wrong = wrong_in_first(drop), len(drop.wrong)
        yield f"By their labels, {all_wrong:,} {verb(all_wrong, 'is', 'are')} wrong: {found:,} among the first."


def first_of(results: Sequence[Result]) -> FirstLooks:
    """What to expect of the first `LOOKS` order lines with a risk."""
    return first_looks([one.risk or 0.0 for one in with_risk(results)], LOOKS)


def wrong_in_first(drop: Drop) -> int:
    """How many of the wrong lines are among the first `LOOKS`."""
    return sum(one.bin_id in drop.wrong for one in with_risk(drop.results)[:LOOKS])


def with_risk(results: Sequence[Result]) -> list[Result]:
    return [one for one in riskiest_first(results) if one.risk is not None]


def results_table(results: Sequence[Result]) -> Table:
    """The `MAX_ROWS` riskiest results."""
    with_interval = any(result.interval for result in results)
    counted, confidence, expected = (Column(name, right=True) for name in ("Counted", "Confidence", "Expected"))
    interval = [Column("Interval", folds=True)] if with_interval else []
    risk = Column("Risk", right=True)
    table = Table([Column("Bin", folds=True), counted, confidence, *interval, expected, Column("Verdict"), risk])
    for result in riskiest_first(results)[:MAX_ROWS]:
        cells = [result.bin_id, result.count_text, confidence_text(result.confidence)]
        cells += [result.interval or "-"] if with_interval else []
        expected_text = "-" if result.expected is None else str(result.expected)
        table.add(*cells, expected_text, verdict_text(result.verdict), risk_text(result.risk))
    return table
