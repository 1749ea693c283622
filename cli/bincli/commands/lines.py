"""`bintally lines`: order lines of all consignments, riskiest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Annotated

import typer
from bintally.domain.intervals import number_text
from bintally.domain.names import normalised
from bintally.domain.spreadsheets import csv_lines
from bintally.domain.times import iso
from bintally.domain.verdicts import OrderLine, Verdict

from bincli.commands.consignment import NO_CONSIGNMENTS, line_record
from bincli.count_text import minute_text
from bincli.deployment import Deployment, open_deployment
from bincli.errors import exit_on_error
from bincli.options import Consignment, DueBefore, Json, Overdue, Profile, Region, Stack
from bincli.output import Block, Note, Output
from bincli.tables import Column, Table
from bincli.verdicts import attention, risk_text, verdict_text

AUDIT = "drawn"


@dataclass(frozen=True)
class Filter:
    """Lines for which all of these hold; what is empty holds for every line that is still ordered."""

    verdicts: Sequence[Verdict] = ()
    consignment_id: str = ""
    due_before: str = ""
    overdue: bool = False
    audits: bool = False

    def includes(self, line: OrderLine) -> bool:
        return (
            (line.verdict in self.verdicts if self.verdicts else line.verdict is not Verdict.WITHDRAWN)
            and (
                not self.consignment_id or line.consignment_id in (self.consignment_id, normalised(self.consignment_id))
            )
            and (not self.due_before or (line.due_at is not None and line.due_at < self.due_before))
            and (line.overdue or not self.overdue)
            and (line.audit or not self.audits)
        )


def lines(
    verdict: Annotated[
        list[Verdict] | None, typer.Option(case_sensitive=False, help="Only this verdict. May be given several times.")
    ] = None,
    consignment: Consignment = "",
    due_before: DueBefore = None,
    overdue: Overdue = False,
    audits: Annotated[bool, typer.Option("--audits", help="Only lines drawn at random to be checked.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets.")] = False,
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """List order lines, riskiest first.

    Reads the consignments table. Lines must meet all given conditions.
    SHORT and OVER come first, then lines without a count, then the others
    by risk; of equal ones, the first due. In --csv, text that a
    spreadsheet would run as a formula starts with an apostrophe. With
    --json, one line for each order line.

    \b
    Exit codes: 0 listed, 1 the stack can't be read.

    \b
    Examples:
      bintally lines --overdue
      bintally lines --verdict SHORT --verdict OVER
      bintally lines --consignment C-1 --csv
      bintally lines --audits
      bintally lines --due-before 2026-05-05 --stack prod --json
    """
    if as_csv and as_json:
        raise typer.BadParameter("give --csv or --json, not both.", param_hint="--csv")
    due = iso(due_before.replace(tzinfo=UTC)) if due_before else ""
    with exit_on_error():
        chosen = Filter(verdict or (), consignment, due, overdue, audits)
        show_lines(open_deployment(stack, region, profile), chosen, Output.standard(as_json), as_csv=as_csv)


def show_lines(deployment: Deployment, chosen: Filter, output: Output, *, as_csv: bool = False) -> None:
    """Print the chosen lines."""
    found = sorted(filter(chosen.includes, deployment.orders.all()), key=urgency_of)
    if as_csv:
        output.out.out(csv_of(found), highlight=False, end="")
    else:
        output.emit(map(line_record, found), view(found, chosen))


def urgency_of(line: OrderLine) -> tuple[object, ...]:
    """Sorts lines by what a person should look at first; of equal ones, by due time."""
    return attention(line.verdict, line.risk), line.due_at or "~", line.key


def csv_of(lines: Iterable[OrderLine]) -> str:
    """The lines as CSV with a header, with the fields of the JSON."""
    records = [line_record(line) for line in lines]
    rows = [list(record.values()) for record in records]
    return "".join(csv_lines(list(records[0]), rows, "\n")) if records else ""


def view(lines: Sequence[OrderLine], chosen: Filter) -> Iterator[Block]:
    if not lines:
        yield Note(NO_CONSIGNMENTS if chosen == Filter() else "No order line meets these conditions.")
        return
    names = [Column("Consignment", folds=True), Column("Bin", folds=True)]
    numbers = [Column("Expected", right=True), Column("Counted", right=True)]
    table = Table(
        [*names, *numbers, Column("Verdict"), Column("Risk", right=True), Column("Due (UTC)"), Column("Audit")]
    )
    for line in lines:
        counted = number_text(line.counted, line.counted_at_least)
        verdict = verdict_text(line.verdict, line.overdue, line.cancelled is not None)
        cells = (
            str(line.expected),
            counted,
            verdict,
            risk_text(line.risk),
            minute_text(line.due_at),
            AUDIT if line.audit else "",
        )
        table.add(line.consignment_id, line.bin_id, *cells)
    yield table
