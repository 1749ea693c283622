"""The jobs: what was asked of the model, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bintally.adapters.jobs import DynamoJobs
from bintally.domain.jobs import UNANSWERED, Job
from rich.console import Console
from rich.text import Text

from bincli.deployment import Deployment
from bincli.output import quantity, remark
from bincli.tables import Column, Table

SHORT_ID = 18  # characters of a job id that a person reads: the engine and the first 12 digits
STYLES = {"DONE": "green", "FAILED": "bold red", "SENT": "cyan", "OPEN": "yellow", "PREPARED": "yellow"}
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def show_jobs(deployment: Deployment, *, only_open: bool, as_json: bool, out: Console, now: datetime) -> None:
    """Print every job, or every one without an answer; those opened last come first."""
    jobs = list(DynamoJobs(deployment.client("dynamodb"), deployment.output("JobsTable")).all())
    chosen = [job for job in jobs if job.status in UNANSWERED or not only_open]
    chosen.sort(key=lambda job: (job.opened_at, job.job_id), reverse=True)
    if as_json:
        for job in chosen:
            out.out(json.dumps(job_record(job, now)), highlight=False)
        return
    if chosen:
        jobs_table(chosen, now).show(out)
    waiting = sum(job.status in UNANSWERED for job in jobs)
    nothing = "" if jobs else " The first one starts when a photo arrives in the intake bucket."
    remark(out, f"{quantity(len(jobs), 'job')}, {waiting:,} without an answer.{nothing}")


def job_record(job: Job, now: datetime) -> dict[str, Any]:
    """One job as the JSON that `bintally jobs --json` prints."""
    facts = {name: value for name, value in asdict(job).items() if value != ""}
    return facts | {"age_seconds": _age(job, now)}


def jobs_table(jobs: Sequence[Job], now: datetime) -> Table:
    """One row for each job."""
    photographs, shards, age, attempts = (Column(name, right=True) for name in ("Photos", "Shards", "Age", "Attempts"))
    reason = Column("Reason", folds=True)
    table = Table([Column("Job"), photographs, shards, Column("Status"), age, attempts, reason])
    for job in jobs:
        status = Text(job.status, STYLES.get(job.status, "dim"))
        size = f"{job.images:,}", f"{job.shards:,}"
        table.add(job.job_id[:SHORT_ID], *size, status, age_text(_age(job, now)), str(job.attempts), job.reason)
    return table


def _age(job: Job, now: datetime) -> int:
    """Whole seconds since the job was opened."""
    return max(0, int((now - datetime.fromisoformat(job.opened_at)).total_seconds())) if job.opened_at else 0


def age_text(seconds: int) -> str:
    """`seconds` in the largest unit of which there is one: 95 is `1 min`."""
    size, unit = next(((size, unit) for size, unit in UNITS if seconds >= size), UNITS[-1])
    return f"{seconds // size} {unit}"
