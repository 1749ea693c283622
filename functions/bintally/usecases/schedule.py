"""The scheduled run: send, sweep, assign and send again, within the time limit of the function."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from bintally.domain.jobs import JobStatus
from bintally.domain.policy import Policy
from bintally.domain.times import iso
from bintally.usecases.ports import Dependencies
from bintally.usecases.submit import SubmitSummary, assign_pending, submit_open
from bintally.usecases.sweep import SweepSummary, sweep

# Seconds of the function's 120 that must remain for a step to start another job. Collecting a transform job of 10,000
# images takes about 30 seconds, and creating one about 10.
SEND_MARGIN, SWEEP_MARGIN, ASSIGN_MARGIN, LAST_SEND_MARGIN = 75.0, 45.0, 20.0, 8.0
MAX_OVERDUE = 1_000  # jobs that the metrics include


@dataclass(frozen=True)
class ScheduleSummary:
    """What a run did. `assigned` images went into new jobs; `oldest_pending` is how long one has waited for an engine.

    `unaccounted` images are in jobs that should have timed out but did not: the sweep can't reach them.
    """

    swept: SweepSummary
    submission: SubmitSummary
    assigned: int
    oldest_pending: timedelta
    unaccounted: int

    def facts(self) -> dict[str, object]:
        """What the function returns."""
        swept = asdict(self.swept)
        swept |= {"errors": dict(self.swept.errors), "status_counts": dict(self.swept.status_counts)}
        submission = {"sent": self.submission.sent, "waiting": dict(self.submission.waiting)}
        return {**submission, "assigned": self.assigned, **swept}


def run_schedule(
    dependencies: Dependencies,
    *,
    policy: Policy,
    now: datetime,
    time_left: Callable[[], float] = lambda: math.inf,
) -> ScheduleSummary:
    """Send open jobs, sweep, assign pending images to jobs, and send those. Safe to run concurrently.

    Sending comes first, so that slow steps can't prevent it. Each step ends when `time_left` (seconds) falls below its
    margin, and the next run continues: everything that waits is in the tables.
    """
    sent = submit_open(dependencies, policy=policy, now=now, has_time=lambda: time_left() > SEND_MARGIN)
    swept = sweep(dependencies, policy=policy, now=now, has_time=lambda: time_left() > SWEEP_MARGIN)
    assigned = assign_pending(dependencies, policy=policy, now=now, has_time=lambda: time_left() > ASSIGN_MARGIN)
    last = submit_open(dependencies, policy=policy, now=now, has_time=lambda: time_left() > LAST_SEND_MARGIN)
    waiting = tuple(dict(sent.waiting + last.waiting).items())
    submission = SubmitSummary(sent.sent + last.sent, waiting, sent.over_quota + last.over_quota)
    unsent = dependencies.jobs.unfinished(JobStatus.OPEN, iso(now), MAX_OVERDUE)
    since = [entry.due_at for entry in assigned.pending] + [job.created_at for job in unsent]
    oldest = datetime.fromisoformat(min(since, default=iso(now)))
    unaccounted = _unaccounted(dependencies, {job_id for job_id, _ in swept.errors}, policy, now)
    swept = replace(swept, errors=swept.errors + assigned.errors)
    return ScheduleSummary(swept, submission, assigned.assigned, now - oldest, unaccounted)


def _unaccounted(dependencies: Dependencies, unchecked: set[str], policy: Policy, now: datetime) -> int:
    """Images in jobs that the sweep should have timed out by now, and did not."""
    late = iso(now - policy.job_timeout - policy.sweep_after)
    sent = dependencies.jobs.unfinished(JobStatus.SENT, iso(now), MAX_OVERDUE)
    overdue = [job for job in sent if job.submitted_at < late]
    lost = [job for job in overdue if job.job_id in unchecked or not dependencies.engine(job.engine).supports_polling]
    return sum(job.images for job in lost)
