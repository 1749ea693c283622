"""Transform jobs: their names, and what their states say of a job."""

from __future__ import annotations

import re

from bintally.domain.jobs import Job, JobResult

ENDED = {"Completed": "", "Failed": "The transform job failed.", "Stopped": "The transform job was stopped."}
UNENDED = frozenset({"InProgress", "Stopping"})
_NAME = re.compile(r"(batch-[0-9a-f]{40})-(\d+)")


def name_of(job: Job) -> str:
    """The name of its transform job. One that had no capacity is asked for under another name."""
    return f"{job.job_id}-{job.transform_attempt}"


def result_of(name: str, status: str, output: str, reason: str) -> JobResult | None:
    """What the status of the transform job `name` says; None while it is at work.

    One that failed keeps the outputs of the manifests that were counted. Raises ValueError for a name or a status that
    is not known.
    """
    match = _NAME.fullmatch(name)
    if not match:
        raise ValueError(f"{name!r} is not the name of a transform job of ours")
    if status in UNENDED:
        return None
    if status not in ENDED:
        raise ValueError(f"{status!r} is not the status of a transform job")
    return JobResult(match[1], output, (reason or ENDED[status]) if ENDED[status] else "", int(match[2]))
