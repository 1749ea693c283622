"""`bintally audit`: is any photo lost?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from bintally.domain.image import Status

from bincli.audit.collect import QueueDepth, Report, grace_periods, run_audit
from bincli.audit.rules import DEAD_LETTER, JUST_UPLOADED, QUEUED, Audit, Finding
from bincli.deployment import open_deployment
from bincli.errors import FAILED, NOTHING_DONE, exit_on_error
from bincli.options import Json, Profile, Region, Stack
from bincli.output import Block, Output, Record
from bincli.tables import Column, Table
from bincli.text import Styled, quantity, verb

MAX_ROWS = 40
MEANING = {
    Status.COUNTED: "finished: counted",
    Status.REJECTED: "finished: not a photo, or unreadable",
    Status.FAILED: "finished: no count, see its reason. Retry with `bintally retry --failed`",
    Status.SUPERSEDED: "finished: a newer version of the same key was counted first",
    Status.RECEIVED: "in progress: waiting for a job",
    Status.SUBMITTED: "in progress: in a job",
    QUEUED: "in progress: in the intake queue",
    JUST_UPLOADED: "in progress: no notification from S3 yet",
    DEAD_LETTER: "set aside: send it back with `bintally redrive`",
}


def audit(
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    wait: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Repeat for up to SECONDS until nothing is in progress.")
    ] = 0,
    notification_grace: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long a notification from S3 may take.")
    ] = 300,
    submission_grace: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long a photo that is due may wait for a job.")
    ] = 3600,
    as_json: Json = False,
) -> None:
    """Prove that no photo is lost, or list those that are.

    Compares every object version in the intake bucket with the ledger,
    the jobs, the bins, the queues and their dead letters. Every photo must
    be finished, in progress, or a dead letter. While the intake queue has
    messages, as many photos count as waiting in it. Changes nothing.

    \b
    Exit codes:
      0  every photo is accounted for
      1  some are not
      2  the stack could not be read, so nothing is known

    \b
    Examples:
      bintally audit
      bintally audit --wait 600
      bintally audit --stack prod --json | jq '.unaccounted[]'
    """
    output = Output.standard(as_json)
    with exit_on_error(NOTHING_DONE, "Nothing was audited. "):
        with output.err.status("Auditing"):
            deployment = open_deployment(stack, region, profile)
            grace = grace_periods(deployment, notification_grace, submission_grace)
            report = run_audit(deployment, grace, wait=wait)
        output.emit([record_of(report)], view(report, deployment.intake_bucket))
    if not report.audit.is_clean:
        raise typer.Exit(FAILED)


def record_of(report: Report) -> Record:
    audit = report.audit
    return {
        "clean": audit.is_clean,
        "images": audit.images,
        "places": dict(audit.places),
        "removed": audit.removed,
        "queues": [asdict(queue) for queue in report.queues],
        "unaccounted": [asdict(finding) for finding in audit.findings],
    }


def view(report: Report, bucket: str) -> Iterator[Block]:
    """The places, the queues, the first photos that are not accounted for, and the conclusion."""
    audit = report.audit
    yield places_table(audit)
    yield ""
    yield queues_table(report.queues)
    yield ""
    if audit.findings:
        yield findings_table(audit.findings[:MAX_ROWS])
        hidden = len(audit.findings) - MAX_ROWS
        yield f"and {hidden:,} more; --json lists all of them" if hidden > 0 else ""
    yield Styled(conclusion(audit, bucket), "green" if audit.is_clean else "bold red")


def conclusion(audit: Audit, bucket: str) -> str:
    if not audit.images:
        return f"There is nothing to audit yet. Upload a photo to s3://{bucket}/BIN/photo.jpg."
    if audit.is_clean:
        return f"{quantity(audit.images, 'photo')} accounted for, none lost."
    lost = len(audit.findings)
    return f"{lost:,} of {quantity(audit.images, 'photo')} {verb(lost, 'is', 'are')} not accounted for."


def places_table(audit: Audit) -> Table:
    """How many photos are in each place, and in all."""
    table = Table([Column("Photos", right=True), Column("Place"), Column("Meaning", folds=True)])
    for place, meaning in MEANING.items():
        if audit.places.get(place):
            table.add(f"{audit.places[place]:,}", place, meaning)
    if audit.findings:
        table.add(f"{len(audit.findings):,}", "UNACCOUNTED", "see below")
    gone = f"{audit.removed:,} of them {verb(audit.removed, 'is', 'are')} no longer in the bucket"
    table.add(f"{audit.images:,}", "all", gone if audit.removed else "")
    return table


def queues_table(queues: Sequence[QueueDepth]) -> Table:
    numbers = (Column(name, right=True) for name in ("Waiting", "In flight", "Dead letters"))
    table = Table([Column("Queue"), *numbers])
    for queue in queues:
        table.add(queue.name, *(f"{number:,}" for number in (queue.waiting, queue.in_flight, queue.dead_letters)))
    return table


def findings_table(findings: Sequence[Finding]) -> Table:
    table = Table([Column("Not accounted for", folds=True), Column("State"), Column("Reason", folds=True)])
    for finding in findings:
        table.add(finding.key, finding.state, finding.reason)
    return table
