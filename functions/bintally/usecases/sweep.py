"""Check jobs without news: each is collected, opened, abandoned or timed out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from bintally.domain.errors import SettingError, describe_error
from bintally.domain.image import Status
from bintally.domain.jobs import Job, JobResult, JobStatus
from bintally.domain.policy import Policy, timeout_of
from bintally.domain.times import iso
from bintally.usecases.collect import collect
from bintally.usecases.ports import Dependencies
from bintally.usecases.submit import always

LIMIT = 50  # jobs of each status that one run checks
NOTHING: Mapping[Status, int] = {}


@dataclass(frozen=True)
class SweepSummary:
    """Ids of the jobs by what the sweep did with them.

    `answered` and `failed`: the engine has a result that was not collected. `timed_out`: there is no result after the
    time-out. `opened` and `abandoned`: a crash left them PREPARED. `errors`: could not be checked, with the error.
    `status_counts` counts images by their new status.
    """

    answered: tuple[str, ...]
    failed: tuple[str, ...]
    timed_out: tuple[str, ...]
    opened: tuple[str, ...]
    abandoned: tuple[str, ...]
    errors: tuple[tuple[str, str], ...]
    status_counts: Mapping[Status, int]


def sweep(
    dependencies: Dependencies, *, policy: Policy, now: datetime, has_time: Callable[[], bool] = always
) -> SweepSummary:
    """Check the jobs that have had no news for `sweep_after`, the one checked longest ago first, while there is time.

    A job that ended less than `sweep_after` ago is left to collect: two runs that process one job publish its events
    twice and cancel each other's transactions.

    Safe to repeat and to run concurrently. An error of any kind affects only its own job. Each job is touched before
    it is checked, so that one that uses up all memory or time doesn't come first in the next run too.
    """
    jobs, since = dependencies.jobs, iso(now - policy.sweep_after)
    found: dict[str, list[str]] = {name: [] for name in ("answered", "failed", "timed_out", "opened", "abandoned")}
    errors, status_counts = [], Counter[Status]()
    for status, check in ((JobStatus.PREPARED, _check_prepared), (JobStatus.SENT, _check_sent)):
        for job in takewhile(lambda _: has_time(), jobs.unfinished(status, since, LIMIT)):
            try:
                jobs.touch(job.job_id, iso(now))
                action, counts = check(dependencies, job, policy, now)
            except SettingError:
                raise
            except Exception as error:
                errors.append((job.job_id, describe_error(error)))
                continue
            status_counts.update(counts)
            if action:
                found[action].append(job.job_id)
    ids = {name: tuple(job_ids) for name, job_ids in found.items()}
    return SweepSummary(**ids, errors=tuple(errors), status_counts=status_counts)


Check = tuple[str, Mapping[Status, int]]


def _check_prepared(dependencies: Dependencies, job: Job, policy: Policy, now: datetime) -> Check:
    """A function crashed between creating the job and opening it, or another job got all its images."""
    ledger = dependencies.ledger
    manifests = [image_ids for image_ids, _ in dependencies.engine(job.engine).results(job, None)]
    if any(entry.is_held_by(job.job_id) for ids in manifests for entry in ledger.read(ids).values()):
        dependencies.jobs.open(job, iso(now))
        return "opened", NOTHING
    held = ledger.read(ledger.of_job(job.job_id))
    if any(entry.is_held_by(job.job_id) for entry in held.values()):
        result = JobResult(job.job_id, None, "Its manifest is missing.")
        return "failed", collect(dependencies, result, policy=policy, now=now).status_counts
    dependencies.jobs.abandon(job, iso(now))
    return "abandoned", NOTHING


def _check_sent(dependencies: Dependencies, job: Job, policy: Policy, now: datetime) -> Check:
    """The notification is lost or late, or the request has expired. "" if the job is in progress or has just ended."""
    engine = dependencies.engine(job.engine)
    result = engine.poll(job)
    if result is not None and result.ended_at > iso(now - policy.sweep_after):
        return "", NOTHING  # its notification is on the way, or collect is working on it
    if result is not None:
        collected = collect(dependencies, result, policy=policy, now=now)
        return "failed" if collected.failed else "answered", collected.status_counts
    timeout = timeout_of(policy, job.engine)
    if not engine.supports_polling and job.submitted_at < iso(now - timeout):
        result = JobResult(job.job_id, None, f"No result {timeout} after it was sent.")
        return "timed_out", collect(dependencies, result, policy=policy, now=now).status_counts
    return "", NOTHING
