"""`bintally consignment`: consignments, their order lines and their verdicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from bintally.domain.intervals import number_text
from bintally.domain.names import normalised
from bintally.domain.verdicts import OrderLine, Verdict, consignment_verdict

from bincli.count_text import minute_text
from bincli.deployment import Deployment, open_deployment
from bincli.errors import CommandError, exit_on_error
from bincli.options import Json, Profile, Region, Stack
from bincli.output import Block, Note, Output, Record
from bincli.tables import Column, Table
from bincli.verdicts import attention, risk_text, tally, verdict_text

NO_CONSIGNMENTS = "No consignments yet. Import orders with `bintally orders import FILE`."


def consignment(
    consignment_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="One consignment. Default: all of them.")
    ] = None,
    without_photo: Annotated[
        bool,
        typer.Option("--without-photo", help="Only order lines of bins without a photo. Reads both tables in full."),
    ] = False,
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Show consignments and their verdicts.

    Reads the consignments table. A consignment has the verdict of the line
    that needs attention first. With --json, one line for each consignment,
    or for each line of the consignment ID.

    \b
    Exit codes: 0 shown, 1 ID is unknown or the stack can't be read.

    \b
    Examples:
      bintally consignment
      bintally consignment C-1
      bintally consignment --without-photo    ordered, but no photo yet
      bintally consignment C-1 --stack prod --json
    """
    if consignment_id is not None and without_photo:
        raise typer.BadParameter("--without-photo lists the lines of all consignments: leave ID out.")
    output = Output.standard(as_json)
    with exit_on_error():
        deployment = open_deployment(stack, region, profile)
        if without_photo:
            show_without_photo(deployment, output)
        elif consignment_id is not None:
            show_consignment(deployment, consignment_id, output)
        else:
            show_consignments(deployment, output)


def show_consignments(deployment: Deployment, output: Output) -> None:
    """Print every consignment."""
    grouped = by_consignment(deployment.orders.all())
    records = [consignment_record(*each) for each in grouped.items()]
    output.emit(records, [consignments_table(records) if records else Note(NO_CONSIGNMENTS)])


def show_consignment(deployment: Deployment, consignment_id: str, output: Output) -> None:
    """Print the lines of one consignment. Raises CommandError if there is none with that id."""
    orders = deployment.orders
    lines = orders.of_consignment(consignment_id) or orders.of_consignment(normalised(consignment_id))
    if not lines:
        raise CommandError(f"Consignment {consignment_id} not found. `bintally consignment` lists all of them.")
    lines.sort(key=lambda one: (attention(one.verdict, one.risk), one.bin_id))
    output.emit(map(line_record, lines), lines_view(lines))


def show_without_photo(deployment: Deployment, output: Output) -> None:
    """Print the order lines whose bin has no finished photo yet. Reads all order lines and all bins."""
    with_photo = {count.bin_id for count in deployment.bins.all()}
    lines = [line for line in deployment.orders.all() if line.verdict is not Verdict.WITHDRAWN]
    missing = [line for line in lines if line.bin_id not in with_photo]
    missing.sort(key=lambda line: (line.consignment_id, line.bin_id))
    output.emit(map(line_record, missing), without_photo_view(missing, bool(lines)))


def without_photo_view(missing: Sequence[OrderLine], any_lines: bool) -> Iterator[Block]:
    if missing:
        yield without_photo_table(missing)
    else:
        yield Note("Every ordered bin has a photo." if any_lines else NO_CONSIGNMENTS)


def by_consignment(lines: Iterable[OrderLine]) -> dict[str, list[OrderLine]]:
    """The lines of each consignment, sorted by its id."""
    grouped: dict[str, list[OrderLine]] = defaultdict(list)
    for line in lines:
        grouped[line.consignment_id].append(line)
    return dict(sorted(grouped.items()))


def consignment_record(consignment_id: str, lines: Sequence[OrderLine]) -> Record:
    due = [line.due_at for line in lines if line.due_at and line.verdict is not Verdict.WITHDRAWN]
    return {
        "consignment_id": consignment_id,
        "verdict": str(consignment_verdict(line.verdict for line in lines)),
        "lines": len(lines),
        "verdicts": tally(line.verdict for line in lines),
        "cancelled": sum(line.cancelled is not None for line in lines),
        "due_at": min(due, default=None),
    }


def line_record(line: OrderLine) -> Record:
    return {
        "consignment_id": line.consignment_id,
        "bin_id": line.bin_id,
        "expected": line.expected,
        "counted": line.counted,
        "counted_at_least": line.counted_at_least,
        "verdict": str(line.verdict),
        "risk": line.risk,
        "probability_fewer": line.odds.fewer if line.odds else None,
        "probability_more": line.odds.more if line.odds else None,
        "reason": line.reason,
        "due_at": line.due_at,
        "overdue": line.overdue,
        "audit": line.audit,
        "item_volume_l": line.item_volume_l,
        "sku": line.sku or None,
        "cancelled": asdict(line.cancelled) if line.cancelled else None,
    }


def consignments_table(records: Iterable[Record]) -> Table:
    names = [Column("Consignment", folds=True), Column("Verdict"), Column("Lines", right=True)]
    table = Table([*names, Column("Of these", folds=True), Column("Due (UTC)")])
    for record in records:
        parts = [f"{number} {verdict}" for verdict, number in record["verdicts"].items()]
        verdicts = ", ".join([*parts, *([f"{record['cancelled']} of them cancelled"] if record["cancelled"] else [])])
        name, verdict = record["consignment_id"], verdict_text(record["verdict"])
        table.add(name, verdict, str(record["lines"]), verdicts, minute_text(record["due_at"]))
    return table


def lines_view(lines: Sequence[OrderLine]) -> Iterator[Block]:
    """A table of `lines`, which are in the order in which a person should look at them."""
    yield lines_table(lines)
    risks = [line.risk for line in lines if line.risk is not None]
    if risks:
        yield f"Expected number of wrong lines: {sum(risks):.1f} of {len(risks):,}."


def lines_table(lines: Iterable[OrderLine]) -> Table:
    numbers = Column("Expected", right=True), Column("Counted", right=True)
    verdict = Column("Verdict"), Column("Risk", right=True)
    table = Table([Column("Bin", folds=True), *numbers, *verdict, Column("Reason", folds=True)])
    for line in lines:
        counted = number_text(line.counted, line.counted_at_least)
        shown = verdict_text(line.verdict, line.overdue, line.cancelled is not None)
        table.add(line.bin_id, str(line.expected), counted, shown, risk_text(line.risk), line.reason)
    return table


def without_photo_table(lines: Iterable[OrderLine]) -> Table:
    names = Column("Consignment", folds=True), Column("Bin", folds=True)
    table = Table([*names, Column("Expected", right=True), Column("Verdict"), Column("Due (UTC)")])
    for line in lines:
        due = minute_text(line.due_at)
        table.add(line.consignment_id, line.bin_id, str(line.expected), verdict_text(line.verdict), due)
    return table
