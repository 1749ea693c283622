"""`bintally jobs`: the inference jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from bintally.domain.jobs import UNFINISHED, Job

from bincli.deployment import Deployment, open_deployment
from bincli.errors import exit_on_error
from bincli.options import Json, Profile, Region, Stack
from bincli.output import Block, Note, Output, Record
from bincli.tables import Column, Table
from bincli.text import Styled, quantity

SHORT_ID = 18  # characters of a job id in the table: the engine and the first 12 digits
STYLES = {"DONE": "green", "FAILED": "bold red", "SENT": "cyan", "OPEN": "yellow", "PREPARED": "yellow"}
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def jobs(
    only_unfinished: Annotated[bool, typer.Option("--unfinished", help="Only jobs without a result.")] = False,
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """List inference jobs, newest first.

    Reads the jobs table. A job is one request to the endpoint, or one
    transform job with many shards. The table shortens job ids. --json
    prints them in full, one line for each job.

    \b
    Exit codes: 0 listed, 1 the stack can't be read.

    \b
    Examples:
      bintally jobs
      bintally jobs --unfinished --stack prod
      bintally jobs --json | jq -r 'select(.status == "FAILED") | .job_id'
    """
    output = Output.standard(as_json)
    with exit_on_error():
        show_jobs(
            open_deployment(stack, region, profile), output, only_unfinished=only_unfinished, now=datetime.now(UTC)
        )


def show_jobs(deployment: Deployment, output: Output, *, only_unfinished: bool, now: datetime) -> None:
    """Print all jobs, or all without a result, newest first."""
    found = list(deployment.jobs.all())
    chosen = [job for job in found if job.status in UNFINISHED or not only_unfinished]
    chosen.sort(key=lambda job: (job.created_at, job.job_id), reverse=True)
    output.emit((record_of(job, now) for job in chosen), view(chosen, found, now))


def record_of(job: Job, now: datetime) -> Record:
    known = {name: value for name, value in asdict(job).items() if value != ""}
    return known | {"age_seconds": _age(job, now)}


def view(chosen: Sequence[Job], found: Sequence[Job], now: datetime) -> Iterator[Block]:
    if chosen:
        yield jobs_table(chosen, now)
    if found:
        waiting = sum(job.status in UNFINISHED for job in found)
        yield Note(f"{quantity(len(found), 'job')}, {waiting:,} without a result.")
    else:
        yield Note("No jobs yet. The first one starts when a photo arrives in the intake bucket.")


def jobs_table(jobs: Sequence[Job], now: datetime) -> Table:
    photos, shards, age, attempts = (Column(name, right=True) for name in ("Photos", "Shards", "Age", "Attempts"))
    reason = Column("Reason", folds=True)
    table = Table([Column("Job"), photos, shards, Column("Status"), age, attempts, reason])
    for job in jobs:
        status = Styled(job.status, STYLES.get(job.status, "dim"))
        size = f"{job.images:,}", f"{job.shards:,}"
        table.add(job.job_id[:SHORT_ID], *size, status, age_text(_age(job, now)), str(job.send_count), job.reason)
    return table


def _age(job: Job, now: datetime) -> int:
    """Whole seconds since the job was opened."""
    return max(0, int((now - datetime.fromisoformat(job.created_at)).total_seconds())) if job.created_at else 0


def age_text(seconds: int) -> str:
    """`seconds` in the largest unit that fits: 95 is `1 min`."""
    size, unit = next(((size, unit) for size, unit in UNITS if seconds >= size), UNITS[-1])
    return f"{seconds // size} {unit}"
