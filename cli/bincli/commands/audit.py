"""An audit, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bintally.domain.image import Status
from rich.console import Console

from bincli.audit.collect import Depth, Report
from bincli.audit.rules import DEAD_LETTER, JUST_PUT, QUEUED, Audit, Finding
from bincli.output import quantity, say
from bincli.tables import Column, Table

MOST_ROWS = 40
MEANING = {
    Status.COUNTED: "settled, with a count",
    Status.REJECTED: "settled: no photograph, or not a readable one",
    Status.FAILED: "settled: could not be asked about, its reason says why; `bintally retry --failed` asks again",
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
    for table in (places_table(audit), queues_table(report.queues)):
        table.show(out)
        say(out, "")
    if audit.findings:
        findings_table(audit.findings[:MOST_ROWS]).show(out)
        hidden = len(audit.findings) - MOST_ROWS
        say(out, f"and {hidden:,} more; --json has all of them" if hidden > 0 else "")
    say(out, verdict(audit), "green" if audit.is_clean else "bold red")


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
    if not audit.photographs:
        return "There is nothing to audit: no photo has been uploaded to the intake bucket."
    if audit.is_clean:
        only_one = audit.photographs == 1
        return f"{'The one photo' if only_one else f'Each of {audit.photographs:,} photos'} is accounted for."
    lost = len(audit.findings)
    return f"{lost:,} of {quantity(audit.photographs, 'photo')} {'is' if lost == 1 else 'are'} not accounted for."


def places_table(audit: Audit) -> Table:
    """How many photographs stand in each place, and all of them."""
    table = Table([Column("Photos", right=True), Column("Place"), Column("Which is", folds=True)])
    for place, meaning in MEANING.items():
        if audit.places.get(place):
            table.add(f"{audit.places[place]:,}", place, meaning)
    if audit.findings:
        table.add(f"{len(audit.findings):,}", "UNACCOUNTED", "see below")
    removed = (
        f"{audit.removed:,} of them {'is' if audit.removed == 1 else 'are'} no longer in the bucket"
        if audit.removed
        else ""
    )
    table.add(f"{audit.photographs:,}", "all", removed)
    return table


def queues_table(queues: Sequence[Depth]) -> Table:
    """One row for each queue."""
    numbers = (Column(name, right=True) for name in ("Waiting", "In flight", "Dead letters"))
    table = Table([Column("Queue"), *numbers])
    for queue in queues:
        table.add(queue.name, *(f"{number:,}" for number in (queue.waiting, queue.in_flight, queue.dead_letters)))
    return table


def findings_table(findings: Sequence[Finding]) -> Table:
    """One row for each photograph that is not accounted for."""
    table = Table([Column("Not accounted for", folds=True), Column("State"), Column("Why", folds=True)])
    for finding in findings:
        table.add(finding.key, finding.state, finding.why)
    return table
