"""Jobs: what is asked of the model in one request."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

ASYNC = "async"
T = TypeVar("T")


class JobStatus(StrEnum):
    """OPEN: not yet with the engine. SENT: the engine has it. DONE and FAILED: it has answered."""

    OPEN = "OPEN"
    SENT = "SENT"
    DONE = "DONE"
    FAILED = "FAILED"


@dataclass(frozen=True)
class Job:
    """One request to the engine. `manifest` is the key of its manifest in the jobs bucket."""

    job_id: str
    manifest: str
    images: int
    engine: str = ASYNC
    status: JobStatus = JobStatus.OPEN


def job_of(image_ids: Iterable[str]) -> Job:
    """The job that counts these photographs. The same photographs give the same job, whatever their order."""
    ids = sorted(set(image_ids))
    digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()[:40]
    return job_named(f"{ASYNC}-{digest}", len(ids))  # SageMaker's InferenceId takes at most 64 characters


def job_named(job_id: str, images: int) -> Job:
    """The job of that id, not yet with the engine, which asks about so many photographs."""
    return Job(job_id, f"jobs/{job_id}/input/manifest.jsonl", images)


def in_parts(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """`items` cut into runs of at most `size`."""
    return [items[start : start + size] for start in range(0, len(items), size)]
