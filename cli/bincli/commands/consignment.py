"""Consignments and their order lines, for people and for programs."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from bintally.adapters.bins import DynamoBins
from bintally.adapters.consignments import DynamoOrders
from bintally.domain.intervals import number_text
from bintally.domain.names import normalised
from bintally.domain.verdicts import OrderLine, Verdict, consignment_verdict
from rich.console import Console
from rich.text import Text

from bincli.demo.results import tally, urgency
from bincli.deployment import Deployment
from bincli.errors import CommandError
from bincli.output import remark
from bincli.tables import Column, Table

STYLES = {
    "SHORT": "bold red",
    "OVER": "bold magenta",
    "MISSING": "bold",
    "UNREADABLE": "bold bright_black",
    "UNCERTAIN": "yellow",
    "PENDING": "cyan",
    "MATCH": "green",
    "WITHDRAWN": "dim",
}


def show_unphotographed(deployment: Deployment, *, as_json: bool, out: Console) -> None:
    """Print the order lines whose bin has no photo with an answer yet. Reads all order lines and all bins."""
    dynamodb = deployment.client("dynamodb")
    photographed = {count.bin_id for count in DynamoBins(dynamodb, deployment.output("BinsTable")).all()}
    lines = DynamoOrders(dynamodb, deployment.output("ConsignmentsTable")).all()
    open_lines = [line for line in lines if line.verdict is not Verdict.WITHDRAWN and line.bin_id not in photographed]
    open_lines.sort(key=lambda line: (line.consignment_id, line.bin_id))
    if as_json:
        for line in open_lines:
            out.out(json.dumps(line_record(line)), highlight=False)
    elif open_lines:
        unphotographed_table(open_lines).show(out)
    else:
        remark(out, "Every bin in an order has a photo.")


def unphotographed_table(lines: Iterable[OrderLine]) -> Table:
    """One row for each order line."""
    names = Column("Consignment", folds=True), Column("Bin", folds=True)
    table = Table([*names, Column("Expected", right=True), Column("Verdict"), Column("Due (UTC)")])
    for line in lines:
        due = (line.due_at or "-")[:16].replace("T", " ")
        table.add(line.consignment_id, line.bin_id, str(line.expected), verdict_text(line.verdict), due)
    return table


def show_consignments(deployment: Deployment, consignment_id: str | None, *, as_json: bool, out: Console) -> None:
    """Print every consignment, or the lines of one. Raises CommandError for one that was never ordered."""
    table = DynamoOrders(deployment.client("dynamodb"), deployment.output("ConsignmentsTable"))
    if consignment_id is None:
        grouped = by_consignment(table.all())
        records, view = [consignment_record(*each) for each in grouped.items()], consignments_table(grouped)
    else:
        lines = table.of_consignment(consignment_id) or table.of_consignment(normalised(consignment_id))
        if not lines:
            raise CommandError(f"There is no consignment {consignment_id}. `bintally consignment` lists all of them.")
        records, view = [line_record(line) for line in lines], lines_table(lines)
    if as_json:
        for record in records:
            out.out(json.dumps(record), highlight=False)
    elif records:
        view.show(out)
    else:
        remark(out, "No consignments yet. Import orders: `bintally orders import FILE`.")


def by_consignment(lines: Iterable[OrderLine]) -> dict[str, list[OrderLine]]:
    """The lines of each consignment, consignments in order of their ids."""
    grouped: dict[str, list[OrderLine]] = defaultdict(list)
    for line in lines:
        grouped[line.consignment_id].append(line)
    return dict(sorted(grouped.items()))


def consignment_record(consignment_id: str, lines: Sequence[OrderLine]) -> dict[str, Any]:
    """One consignment as the JSON that `bintally consignment --json` prints."""
    due = [line.due_at for line in lines if line.due_at and line.verdict is not Verdict.WITHDRAWN]
    return {
        "consignment_id": consignment_id,
        "verdict": str(consignment_verdict(line.verdict for line in lines)),
        "lines": len(lines),
        "verdicts": tally(line.verdict for line in lines),
        "due_at": min(due, default=None),
    }


def line_record(line: OrderLine) -> dict[str, Any]:
    """One order line as the JSON that `bintally consignment ID --json` prints."""
    return {
        "consignment_id": line.consignment_id,
        "bin_id": line.bin_id,
        "expected": line.expected,
        "counted": line.counted,
        "counted_at_least": line.counted_at_least,
        "verdict": str(line.verdict),
        "reason": line.reason,
        "due_at": line.due_at,
        "overdue": line.overdue,
    }


def consignments_table(grouped: dict[str, list[OrderLine]]) -> Table:
    """One row for each consignment."""
    folding = {name: Column(name, folds=True) for name in ("Consignment", "Of these")}
    columns = [folding["Consignment"], Column("Verdict"), Column("Lines", right=True), folding["Of these"]]
    table = Table([*columns, Column("Due (UTC)")])
    for consignment_id, lines in grouped.items():
        record = consignment_record(consignment_id, lines)
        shares = ", ".join(f"{number} {verdict}" for verdict, number in record["verdicts"].items())
        due = (record["due_at"] or "-")[:16].replace("T", " ")
        table.add(consignment_id, verdict_text(record["verdict"]), str(record["lines"]), shares, due)
    return table


def lines_table(lines: Sequence[OrderLine]) -> Table:
    """One row for each order line, what needs attention first."""
    numbers = Column("Expected", right=True), Column("Counted", right=True)
    table = Table([Column("Bin", folds=True), *numbers, Column("Verdict"), Column("Reason", folds=True)])
    for line in sorted(lines, key=lambda one: (urgency(one.verdict), one.bin_id)):
        counted = number_text(line.counted, line.counted_at_least)
        verdict = verdict_text(line.verdict, line.overdue)
        table.add(line.bin_id, str(line.expected), counted, verdict, line.reason)
    return table


def verdict_text(verdict: str, overdue: bool = False) -> Text:
    """MISSING says by itself that the line is overdue."""
    late = ", overdue" if overdue and verdict != "MISSING" else ""
    return Text(f"{verdict}{late}", STYLES.get(verdict, ""))
