"""What the schedule does: a round over everything that waits."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from bintally.domain.jobs import JobStatus
from bintally.domain.orders import iso
from bintally.domain.policy import Policy
from bintally.usecases.collect import Collaborators
from bintally.usecases.submit import SubmitSummary, submit_pending, submit_waiting
from bintally.usecases.sweep import SweepSummary, sweep

MOST_OVERDUE = 1_000  # jobs that are counted


@dataclass(frozen=True)
class ScheduleSummary:
    """What a round did: `formed` photographs were put into jobs. What no engine has taken waits for at most so long.

    `unaccounted` photographs are those of jobs that should have been given up and were not: the sweep can't get them.
    """

    swept: SweepSummary
    submission: SubmitSummary
    assigned: int
    oldest_pending: timedelta
    unaccounted: int

    def facts(self) -> dict[str, object]:
        """For the answer of the function."""
        swept = asdict(self.swept)
        swept |= {"errors": dict(self.swept.errors), "status_counts": dict(self.swept.status_counts)}
        return {
            "sent": self.submission.sent,
            "waiting": dict(self.submission.waiting),
            "assigned": self.assigned,
            **swept,
        }


def run_schedule(world: Collaborators, *, policy: Policy, now: datetime) -> ScheduleSummary:
    """Sweep, then put what is pending into jobs, then send what is open. Bounded, and safe beside itself."""
    swept = sweep(world, policy=policy, now=now)
    formed = submit_pending(ledger=world.ledger, jobs=world.jobs, engines=world.engines, policy=policy, now=now)
    submission = submit_waiting(jobs=world.jobs, engines=world.engines, policy=policy, now=now)
    unsent = world.jobs.unfinished(JobStatus.OPEN, iso(now), MOST_OVERDUE)
    since = [entry.due_at for entry in formed.pending] + [job.created_at for job in unsent]
    oldest = datetime.fromisoformat(min(since, default=iso(now)))
    late = iso(now - policy.job_timeout - policy.sweep_after)
    overdue = [job for job in world.jobs.unfinished(JobStatus.SENT, iso(now), MOST_OVERDUE) if job.submitted_at < late]
    troubled = {job_id for job_id, _ in swept.errors}
    asked = [job for job in overdue if not world.engines[job.engine].supports_polling or job.job_id in troubled]
    swept = replace(swept, errors=swept.errors + formed.errors)
    return ScheduleSummary(swept, submission, len(formed.pending), now - oldest, sum(job.images for job in asked))
