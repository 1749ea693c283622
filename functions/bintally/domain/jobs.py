"""Jobs: what is asked of the model in one request."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")


class EngineName(StrEnum):
    """ASYNC: one manifest, one request to the endpoint. BATCH: many manifests, one transform job."""

    ASYNC = "async"
    BATCH = "batch"


class JobStatus(StrEnum):
    """PREPARED: its manifests are written. OPEN: images wait for it. SENT: the engine has it.

    DONE and FAILED: the engine has answered. ABANDONED: no image waited for it.
    """

    PREPARED = "PREPARED"
    OPEN = "OPEN"
    SENT = "SENT"
    DONE = "DONE"
    FAILED = "FAILED"
    ABANDONED = "ABANDONED"


UNFINISHED = frozenset({JobStatus.PREPARED, JobStatus.OPEN, JobStatus.SENT})


@dataclass(frozen=True)
class Job:
    """One request to the engine, about `images` photographs in `shards` manifests.

    `prepare_count` says how often it was entered as PREPARED, `send_count` how often a sender claimed it.
    `transform_attempt` numbers its transform jobs from 0: each that gets no capacity is followed by another. An OPEN
    job is due from `due_at`. `output_location` and `failure_location` are where the engine writes its answer.
    `touched_at` is when the job was last created, opened, sent or checked. Times are ISO 8601.
    """

    job_id: str
    images: int
    shards: int = 1
    engine: EngineName = EngineName.ASYNC
    status: JobStatus = JobStatus.PREPARED
    prepare_count: int = 0
    send_count: int = 0
    transform_attempt: int = 0
    due_at: str = ""
    created_at: str = ""
    submitted_at: str = ""
    closed_at: str = ""
    touched_at: str = ""
    output_location: str = ""
    failure_location: str = ""
    reason: str = ""

    @property
    def folder(self) -> str:
        """The prefix of its manifests in the jobs bucket."""
        return f"jobs/{self.job_id}/input/"

    @property
    def manifests(self) -> list[str]:
        """The keys of its manifests in the jobs bucket."""
        if self.engine is EngineName.ASYNC:
            return [f"{self.folder}manifest.jsonl"]
        return [f"{self.folder}{number:05}.jsonl" for number in range(self.shards)]


@dataclass(frozen=True)
class JobResult:
    """What the engine says about a job: where its output is, why it failed, or both where a part of it failed.

    `transform_attempt` is the number of the transform job; None for a request to the endpoint. `ended_at` is when the
    engine finished (ISO 8601), if that is known.
    """

    job_id: str
    output_location: str | None
    failure_reason: str = ""
    transform_attempt: int | None = None
    ended_at: str = ""


def job_of(photographs: Iterable[tuple[str, int]], engine: EngineName = EngineName.ASYNC, shards: int = 1) -> Job:
    """The job that counts these (image id, attempts before it).

    The same photographs give the same job, whatever their order, until one of them has been tried again.
    """
    lines = sorted({f"{image_id} {attempts}" for image_id, attempts in photographs})
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:40]
    # SageMaker's InferenceId takes at most 64 characters, a transform job's name 63 with the number of its try.
    return Job(f"{engine}-{digest}", len(lines), shards, engine)
