"""The demo's results: a table for people, a CSV of everything, and one summary object for programs."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from bincli.consignments import verdict_text
from bincli.demo import Result
from bincli.outcomes import Outcome, most_urgent_first

MOST_ROWS = 40
COLUMNS = ("bin_id", "consignment_id", "expected", "count", "confidence", "interval", "verdict", "reason")


def results_table(outcomes: Sequence[Outcome]) -> Table:
    """The `MOST_ROWS` most urgent outcomes."""
    table = Table(box=None, pad_edge=False)
    told = any(outcome.interval for outcome in outcomes)
    table.add_column("Bin", overflow="fold")
    for name in ("Counted", "Confidence", *(["Interval"] if told else []), "Expected"):
        table.add_column(name, justify="left" if name == "Interval" else "right", overflow="fold")
    table.add_column("Verdict", overflow="fold")
    for outcome in most_urgent_first(outcomes)[:MOST_ROWS]:
        confidence = "-" if outcome.confidence is None else f"{outcome.confidence:.0%}"
        sureness = [_or_dash(outcome.count), confidence, *([outcome.interval or "-"] if told else [])]
        expected, verdict = _or_dash(outcome.expected), verdict_text(outcome.verdict)
        table.add_row(escape(outcome.bin_id), *sureness, expected, verdict)
    return table


def _or_dash(number: int | None) -> str:
    return "-" if number is None else str(number)


def totals_text(result: Result) -> str:
    """The totals in a few lines for people."""
    totals = result.totals
    verdicts = ", ".join(f"{number:,} {verdict}" for verdict, number in result.verdicts.items())
    hidden = len(result.outcomes) - MOST_ROWS
    more = f"and {hidden:,} more, less urgent\n\n" if hidden > 0 else "\n"
    return (
        f"{more}{totals.images:,} photographs: {totals.counted:,} counted, {totals.rejected:,} rejected, "
        f"{totals.unaccounted:,} unaccounted for\n"
        f"{totals.seconds:,.1f} s from the first put to the last count: {totals.images_per_second:,.1f} images/s\n"
        f"order lines: {verdicts or 'none'}"
    )


def write_results(path: Path, outcomes: Sequence[Outcome]) -> None:
    """All outcomes as CSV, most urgent first. Text that a spreadsheet would take for a formula gets a quote first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for outcome in most_urgent_first(outcomes):
            writer.writerow(_harmless(getattr(outcome, name)) for name in COLUMNS)


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def summary(result: Result, report: Path) -> dict[str, Any]:
    """What `bintally demo --json` ends with."""
    totals = result.totals
    return {
        "images": totals.images,
        "counted": totals.counted,
        "rejected": totals.rejected,
        "unaccounted": totals.unaccounted,
        "seconds": round(totals.seconds, 3),
        "images_per_second": round(totals.images_per_second, 2),
        "verdicts": dict(result.verdicts),
        "report": str(report),
    }
