"""Jobs: one request each to an inference engine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")


class EngineName(StrEnum):
    """ASYNC: one manifest, one request to the endpoint. BATCH: many manifests, one transform job.

    LAMBDA: one manifest, one asynchronous invocation of the model function.
    """

    ASYNC = "async"
    BATCH = "batch"
    LAMBDA = "lambda"


class JobStatus(StrEnum):
    """PREPARED: its manifests are written. OPEN: images wait for it. SENT: the engine has accepted it.

    DONE and FAILED: the engine has finished. ABANDONED: no image waits for it.
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
    """One request to the engine, about `images` images in `shards` manifests.

    `prepare_count` is how often it was stored as PREPARED, `send_count` how often a sender claimed it.
    `transform_attempt` numbers its transform jobs from 0: if one gets no capacity, another follows. An OPEN job is due
    at `due_at`. The engine writes its result to `output_location`, or an error to `failure_location`. `touched_at` is
    when the job was last created, opened, sent or checked. Times are ISO 8601.
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
        """The prefix of the job's manifests in the jobs bucket."""
        return f"jobs/{self.job_id}/input/"

    @property
    def manifests(self) -> list[str]:
        """The keys of the job's manifests in the jobs bucket."""
        if self.engine is EngineName.BATCH:
            return [f"{self.folder}{number:05}.jsonl" for number in range(self.shards)]
        return [f"{self.folder}manifest.jsonl"]


@dataclass(frozen=True)
class JobResult:
    """The engine's result for a job: where its output is, why it failed, or both if a part of it failed.

    `transform_attempt` is the number of the transform job, or None for the other engines. `ended_at` is when
    the engine finished (ISO 8601), if that is known.
    """

    job_id: str
    output_location: str | None
    failure_reason: str = ""
    transform_attempt: int | None = None
    ended_at: str = ""


@dataclass(frozen=True)
class InFlight:
    """Unfinished jobs of one engine: how many, how many of them are SENT, and how many images are in them."""

    jobs: int = 0
    sent: int = 0
    images: int = 0


def job_of(images: Iterable[tuple[str, int]], engine: EngineName = EngineName.ASYNC, shards: int = 1) -> Job:
    """The job for these images, given as (image id, attempts before this job).

    The same images give the same job id, in any order, until one of them has had another attempt.
    """
    lines = sorted({f"{image_id} {attempts}" for image_id, attempts in images})
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:40]
    # SageMaker limits an InferenceId to 64 characters, and a transform job's name, with the attempt's number, to 63.
    return Job(f"{engine}-{digest}", len(lines), shards, engine)
