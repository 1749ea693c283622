"""Transform jobs: their names, and the results that their states imply."""

from __future__ import annotations

import re

from bintally.domain.jobs import Job, JobResult

ENDED = {"Completed": "", "Failed": "The transform job failed.", "Stopped": "The transform job was stopped."}
RUNNING = frozenset({"InProgress", "Stopping"})
_NAME = re.compile(r"(batch-[0-9a-f]{40})-(\d+)")


def name_of(job: Job) -> str:
    """The name of the job's current transform job. After a lack of capacity, the next attempt has another name."""
    return f"{job.job_id}-{job.transform_attempt}"


def result_of(name: str, status: str, output: str, reason: str) -> JobResult | None:
    """The result of the transform job `name`, or None while it is running.

    A failed transform job keeps the outputs of the manifests that it finished. Raises ValueError for an unknown name or
    status.
    """
    match = _NAME.fullmatch(name)
    if not match:
        raise ValueError(f"{name!r} is not the name of a transform job of bintally")
    if status in RUNNING:
        return None
    if status not in ENDED:
        raise ValueError(f"{status!r} is not the status of a transform job")
    return JobResult(match[1], output, (reason or ENDED[status]) if ENDED[status] else "", int(match[2]))
