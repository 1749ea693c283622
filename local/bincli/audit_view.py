"""An audit, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bintally.domain.image import Status
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bincli.accounts import DEAD_LETTER, JUST_PUT, QUEUED, Audit, Finding
from bincli.audit import Depth, Report

MOST_ROWS = 40
MEANING = {
    Status.COUNTED: "settled, with a count",
    Status.REJECTED: "settled: no photograph, or not a readable one",
    Status.FAILED: "settled: no answer after all its attempts; `bintally retry --failed` asks again",
    Status.SUPERSEDED: "settled: a newer version of the same key came first",
    Status.RECEIVED: "on the way: waits for a job",
    Status.SUBMITTED: "on the way: with the model",
    QUEUED: "on the way: its message waits for the intake function",
    JUST_PUT: "on the way: S3 may announce it yet",
    DEAD_LETTER: "kept as a dead letter; `bintally redrive` tries it again",
}


def show_audit(report: Report, *, as_json: bool, out: Console) -> None:
    """Print the account, the queues, and each photograph that is not accounted for (for people the first ones)."""
    if as_json:
        out.out(json.dumps(audit_record(report)), highlight=False)
        return
    audit = report.audit
    out.print(places_table(audit))
    out.print(queues_table(report.queues))
    if audit.findings:
        out.print(findings_table(audit.findings[:MOST_ROWS]))
        hidden = len(audit.findings) - MOST_ROWS
        out.print(f"and {hidden:,} more; --json has all of them" if hidden > 0 else "", highlight=False)
    out.print(verdict(audit), highlight=False, style="green" if audit.is_clean else "bold red")


def audit_record(report: Report) -> dict[str, Any]:
    """What `bintally audit --json` prints."""
    audit = report.audit
    return {
        "clean": audit.is_clean,
        "photographs": audit.photographs,
        "places": dict(audit.places),
        "removed": audit.removed,
        "queues": [asdict(queue) for queue in report.queues],
        "unaccounted": [asdict(finding) for finding in audit.findings],
    }


def verdict(audit: Audit) -> str:
    """The law, with its figures."""
    if audit.is_clean:
        return f"Every one of {audit.photographs:,} photographs is accounted for."
    return f"{len(audit.findings):,} of {audit.photographs:,} photographs are not accounted for."


def places_table(audit: Audit) -> Table:
    """How many photographs stand in each place, and all of them."""
    table = Table(box=None, pad_edge=False)
    table.add_column("Photographs", justify="right")
    table.add_column("Place")
    table.add_column("Which is", overflow="fold")
    for place, meaning in MEANING.items():
        if audit.places.get(place):
            table.add_row(f"{audit.places[place]:,}", place, meaning)
    if audit.findings:
        table.add_row(f"{len(audit.findings):,}", "UNACCOUNTED", "see below")
    removed = f"{audit.removed:,} of them are no longer in the bucket" if audit.removed else ""
    table.add_row(f"{audit.photographs:,}", "all", removed)
    return table


def queues_table(queues: Sequence[Depth]) -> Table:
    """One row for each queue."""
    table = Table(box=None, pad_edge=False)
    table.add_column("\nQueue")
    for name in ("Waiting", "In flight", "Dead letters"):
        table.add_column(f"\n{name}", justify="right")
    for queue in queues:
        table.add_row(queue.name, *(f"{number:,}" for number in (queue.waiting, queue.in_flight, queue.dead_letters)))
    return table


def findings_table(findings: Sequence[Finding]) -> Table:
    """One row for each photograph that is not accounted for."""
    table = Table(box=None, pad_edge=False)
    for name in ("Not accounted for", "State", "Why"):
        table.add_column(f"\n{name}", overflow="fold")
    for finding in findings:
        table.add_row(escape(finding.key), finding.state, escape(finding.why))
    return table
