"""Jobs to the engine: formed of the photographs that wait, and each sent by one sender at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from bintally.domain.errors import NoCapacityError, words_of
from bintally.domain.image import LedgerEntry
from bintally.domain.jobs import EngineName, Job, JobStatus, in_parts, job_of
from bintally.domain.orders import iso
from bintally.domain.policy import Policy, backoff, engine_for, manifest_size
from bintally.usecases.ports import Engines, Jobs, Ledger

MOST_PENDING = 20_000  # photographs that one run puts into jobs
MOST_TO_A_JOB = 10_000  # photographs, so that one run of collect has the time for them
MOST_SHARDS = 200  # manifests of a transform job
MOST_JOBS = 500  # that one run sends
Shard = Sequence[LedgerEntry]


@dataclass(frozen=True)
class SubmitSummary:
    """Job ids that the engine took, and those that wait for the next run, with why."""

    sent: tuple[str, ...]
    waiting: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class AssignSummary:
    """The photographs that were pending, the longest due first, and the jobs that could not be made, with why."""

    pending: tuple[LedgerEntry, ...]
    errors: tuple[tuple[str, str], ...]


def submit_pending(*, ledger: Ledger, jobs: Jobs, engines: Engines, policy: Policy, now: datetime) -> AssignSummary:
    """Put photographs that no job holds, and that are due, into jobs.

    May be run again at any point, also beside itself: each photograph is assigned once, and a job to which none was
    assigned stays PREPARED until the sweep abandons it. Where one job can't be made, whatever that raises, its
    photographs stay pending, or the sweep opens it, and the others are made.
    """
    pending = sorted(ledger.pending(iso(now), MOST_PENDING), key=lambda entry: (entry.due_at, entry.image.image_id))
    engine = engine_for(policy, len(pending))
    troubles = []
    for shards in _jobs(pending, engine, policy):
        entries = [entry for shard in shards for entry in shard]
        job = job_of(((entry.image.image_id, entry.attempts) for entry in entries), engine, len(shards))
        try:
            engines[engine].prepare(job, [[entry.image for entry in shard] for shard in shards])
            jobs.create(job, iso(now))
            if ledger.assign(entries, job.job_id, iso(now)):
                jobs.open(job, iso(now))
        except Exception as error:
            troubles.append((job.job_id, words_of(error)))
    return AssignSummary(tuple(pending), tuple(troubles))


def _jobs(pending: Sequence[LedgerEntry], engine: EngineName, policy: Policy) -> Iterator[list[Shard]]:
    """What each job asks about: one manifest for the endpoint, many for a transform job."""
    shards = list(_manifests(pending, policy))
    if engine is EngineName.ASYNC:
        yield from ([shard] for shard in shards)
        return
    together: list[Shard] = []
    for shard in shards:
        if together and (len(together) >= MOST_SHARDS or sum(map(len, together)) + len(shard) > MOST_TO_A_JOB):
            yield together
            together = []
        together.append(shard)
    if together:
        yield together


def _manifests(pending: Sequence[LedgerEntry], policy: Policy) -> Iterator[Shard]:
    for tried, group in groupby(
        sorted(pending, key=lambda entry: entry.counted_attempts), key=lambda entry: entry.counted_attempts
    ):
        yield from in_parts(list(group), manifest_size(policy, tried))


def submit_waiting(*, jobs: Jobs, engines: Engines, policy: Policy, now: datetime) -> SubmitSummary:
    """Send every job that is OPEN and due: new ones, and what a crash or a refusal left behind."""
    waiting = jobs.unfinished(JobStatus.OPEN, iso(now), MOST_JOBS)
    return submit_jobs(waiting, jobs=jobs, engines=engines, policy=policy, now=now)


def submit_jobs(
    candidates: Iterable[Job], *, jobs: Jobs, engines: Engines, policy: Policy, now: datetime
) -> SubmitSummary:
    """Send those candidates that are OPEN and due and that nobody else is sending.

    One that can't be sent, whatever it raises, stays OPEN and keeps no other from it.
    """
    sent, waiting = [], []
    for job in candidates:
        if job.status is not JobStatus.OPEN or job.due_at > iso(now):
            continue
        try:
            if not jobs.claim(job, iso(now), iso(now + policy.sweep_after)):
                continue
            jobs.mark_sent(job, engines[job.engine].submit(job), iso(now))
            sent.append(job.job_id)
        except NoCapacityError as error:
            defer(job, str(error), jobs=jobs, policy=policy, now=now)
            waiting.append((job.job_id, str(error)))
        except Exception as error:
            waiting.append((job.job_id, words_of(error)))
    return SubmitSummary(tuple(sent), tuple(waiting))


def defer(job: Job, reason: str, *, jobs: Jobs, policy: Policy, now: datetime) -> None:
    """There was no capacity for the job: it is OPEN again, due after a while, and has one try more behind it."""
    later = replace(
        job,
        transform_attempt=job.transform_attempt + 1,
        due_at=iso(now + backoff(policy, job.transform_attempt + 1)),
        reason=reason,
    )
    jobs.defer(later, iso(now))
