"""The demo's results: a table for people, a CSV of everything, and one summary object for programs."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bincli.commands.consignment import verdict_text
from bincli.demo.drop import Result
from bincli.demo.results import Outcome, most_urgent_first
from bincli.output import quantity
from bincli.tables import Column, Table

MOST_ROWS = 40
FORMULA = tuple("=+-@＝＋－＠")  # noqa: RUF001, the wide forms are meant
COLUMNS = ("bin_id", "consignment_id", "expected", "count", "at_least", "confidence", "interval", "verdict", "reason")


def results_table(outcomes: Sequence[Outcome]) -> Table:
    """The `MOST_ROWS` most urgent outcomes."""
    told = any(outcome.interval for outcome in outcomes)
    counted, confidence, expected = (Column(name, right=True) for name in ("Counted", "Confidence", "Expected"))
    interval = [Column("Interval", folds=True)] if told else []
    table = Table([Column("Bin", folds=True), counted, confidence, *interval, expected, Column("Verdict")])
    for outcome in most_urgent_first(outcomes)[:MOST_ROWS]:
        share = "-" if outcome.confidence is None else f"{outcome.confidence:.0%}"
        sureness = [outcome.number, share, *([outcome.interval or "-"] if told else [])]
        table.add(outcome.bin_id, *sureness, _or_dash(outcome.expected), verdict_text(outcome.verdict))
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
        f"{more}{quantity(totals.images, 'photo')}: {totals.counted:,} counted, {totals.rejected:,} rejected, "
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
            writer.writerow(harmless(getattr(outcome, name)) for name in COLUMNS)


def harmless(value: object) -> object:
    """`value` for a cell of a spreadsheet: text that one may take for a formula gets a quote first.

    Spreadsheets skip what shows nothing and read the wide forms of Asian keyboards, so these count as well. See
    https://owasp.org/www-community/attacks/CSV_Injection.
    """
    if not isinstance(value, str) or not value:
        return value
    seen = "".join(character for character in value if character.isprintable()).lstrip()
    return f"'{value}" if value[0] in "\t\r\n" or seen.startswith(FORMULA) else value


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
