"""Jobs: what is asked of the model in one request."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")


class EngineName(StrEnum):
    """ASYNC: one manifest, one request to the endpoint. BATCH: many manifests, one transform job."""

    ASYNC = "async"
    BATCH = "batch"


class JobStatus(StrEnum):
    """PREPARED: its manifests lie there. OPEN: photographs wait for it. SENT: the engine has it.

    DONE and FAILED: it has answered. ABANDONED: nothing waited for it.
    """

    PREPARED = "PREPARED"
    OPEN = "OPEN"
    SENT = "SENT"
    DONE = "DONE"
    FAILED = "FAILED"
    ABANDONED = "ABANDONED"


UNANSWERED = frozenset({JobStatus.PREPARED, JobStatus.OPEN, JobStatus.SENT})


@dataclass(frozen=True)
class Job:
    """One request to the engine, about `images` photographs in `shards` manifests.

    `prepare_count` counts how often it was entered as PREPARED, `attempts` its senders, `tries` how often there was no
    capacity for it; an OPEN job is due from `due_at`.
    `output` and `failure` are where the engine said that it would answer. `touched_at` is when it was last opened, sent
    or looked into. Times are ISO 8601.
    """

    job_id: str
    images: int
    shards: int = 1
    engine: EngineName = EngineName.ASYNC
    status: JobStatus = JobStatus.PREPARED
    prepare_count: int = 0
    attempts: int = 0
    tries: int = 0
    due_at: str = ""
    opened_at: str = ""
    submitted_at: str = ""
    closed_at: str = ""
    touched_at: str = ""
    output: str = ""
    failure: str = ""
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
    """What the engine says of a job: where its output lies, or why there is none.

    Both, where a part of it failed. `attempt` is the number of the transform job that says so; None for a request.
    """

    job_id: str
    output: str | None
    failure: str = ""
    attempt: int | None = None


def job_of(photographs: Iterable[tuple[str, int]], engine: EngineName = EngineName.ASYNC, shards: int = 1) -> Job:
    """The job that counts these (image id, attempts before it).

    The same photographs give the same job, whatever their order, until one of them has been tried again.
    """
    lines = sorted({f"{image_id} {attempts}" for image_id, attempts in photographs})
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:40]
    # SageMaker's InferenceId takes at most 64 characters, a transform job's name 63 with the number of its try.
    return Job(f"{engine}-{digest}", len(lines), shards, engine)


def in_parts(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """`items` cut into runs of at most `size`."""
    return [items[start : start + size] for start in range(0, len(items), size)]
