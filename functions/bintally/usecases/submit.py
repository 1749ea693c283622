"""Jobs to the engine, each by one sender at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bintally.domain.errors import EngineUnavailableError
from bintally.domain.jobs import Job, JobStatus
from bintally.domain.orders import iso
from bintally.usecases.ports import Engine, Jobs

LEASE = timedelta(minutes=2)  # longer than a function runs, so that a claim outlives its holder only after a crash


@dataclass(frozen=True)
class Submission:
    """Job ids that the engine took, and those that wait for the next run, with why."""

    sent: tuple[str, ...]
    waiting: tuple[tuple[str, str], ...]


def submit_waiting(*, jobs: Jobs, engine: Engine, now: datetime) -> Submission:
    """Send every job that was opened and never reached the engine: what a crash or a refusal left behind."""
    return submit_jobs(jobs.waiting(), jobs=jobs, engine=engine, now=now)


def submit_jobs(candidates: Iterable[Job], *, jobs: Jobs, engine: Engine, now: datetime) -> Submission:
    """Send those candidates that are OPEN and that nobody else is sending."""
    sent, waiting = [], []
    for job in candidates:
        if job.status is not JobStatus.OPEN or not jobs.claim(job, iso(now), iso(now + LEASE)):
            continue
        try:
            jobs.sent(job, engine.submit(job), iso(now))
            sent.append(job.job_id)
        except EngineUnavailableError as error:
            waiting.append((job.job_id, str(error)))
    return Submission(tuple(sent), tuple(waiting))
