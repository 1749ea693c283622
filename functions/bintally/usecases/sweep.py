"""Jobs that nothing was heard of: looked into, and collected, opened, abandoned or given up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bintally.domain.errors import words_of
from bintally.domain.image import Status
from bintally.domain.jobs import Job, JobResult, JobStatus
from bintally.domain.orders import iso
from bintally.domain.policy import Policy
from bintally.usecases.collect import Collaborators, collect

MOST = 50  # jobs of each status that one run looks into
NOTHING: Mapping[Status, int] = {}


@dataclass(frozen=True)
class SweepSummary:
    """Ids of jobs that were answered or have failed without our having been told, were given up, and were opened or
    abandoned after a crash; those that could not be looked into, with why; and the photographs by their new status.
    """

    answered: tuple[str, ...]
    failed: tuple[str, ...]
    timed_out: tuple[str, ...]
    opened: tuple[str, ...]
    abandoned: tuple[str, ...]
    errors: tuple[tuple[str, str], ...]
    status_counts: Mapping[Status, int]


def sweep(world: Collaborators, *, policy: Policy, now: datetime) -> SweepSummary:
    """Look into the jobs that have been silent for `sweep_after`, those first that were looked into longest ago.

    May be run again at any point, also beside itself. One job that can't be looked into does not keep others from it,
    whatever it raises. Each is touched before it is looked into: where one takes all memory or all time, the next round
    begins with others.
    """
    silent = iso(now - policy.sweep_after)
    found: dict[str, list[str]] = {name: [] for name in ("answered", "failed", "timed_out", "opened", "abandoned")}
    troubles, settled = [], Counter[Status]()
    for status, look in ((JobStatus.PREPARED, _adopt), (JobStatus.SENT, _ask)):
        for job in world.jobs.unfinished(status, silent, MOST):
            try:
                world.jobs.touch(job.job_id, iso(now))
                outcome, collected = look(job, world, policy, now)
            except Exception as error:
                troubles.append((job.job_id, words_of(error)))
                continue
            settled.update(collected)
            if outcome:
                found[outcome].append(job.job_id)
    ids = {name: tuple(job_ids) for name, job_ids in found.items()}
    return SweepSummary(**ids, errors=tuple(troubles), status_counts=settled)


Look = tuple[str, Mapping[Status, int]]


def _adopt(job: Job, world: Collaborators, policy: Policy, now: datetime) -> Look:
    """A function died between preparing a job and opening it, or another one took all its photographs."""
    manifests = [image_ids for image_ids, _ in world.engines[job.engine].results(job, None)]
    if any(entry.is_held_by(job.job_id) for ids in manifests for entry in world.ledger.read(ids).values()):
        world.jobs.open(job, iso(now))
        return "opened", NOTHING
    held = world.ledger.read(world.ledger.of_job(job.job_id))
    if any(entry.is_held_by(job.job_id) for entry in held.values()):
        reason = "Its manifest is gone."
        return "failed", collect(JobResult(job.job_id, None, reason), world, policy=policy, now=now).status_counts
    world.jobs.abandon(job, iso(now))
    return "abandoned", NOTHING


def _ask(job: Job, world: Collaborators, policy: Policy, now: datetime) -> Look:
    """A notification was lost or is late, or the request has expired; empty where the engine may still be at work."""
    result = world.engines[job.engine].poll(job)
    if result is not None:
        collected = collect(result, world, policy=policy, now=now)
        return "failed" if collected.failed else "answered", collected.status_counts
    if not world.engines[job.engine].supports_polling and job.submitted_at < iso(now - policy.job_timeout):
        reason = f"No answer in the {policy.job_timeout} since it was sent."
        return "timed_out", collect(JobResult(job.job_id, None, reason), world, policy=policy, now=now).status_counts
    return "", NOTHING
