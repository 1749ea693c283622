"""A photograph as the ledger knows it: one item for each object version that was put."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property


class Status(StrEnum):
    """Where a photograph stands; see TRANSITIONS."""

    RECEIVED = "RECEIVED"
    SUBMITTED = "SUBMITTED"
    COUNTED = "COUNTED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    SUPERSEDED = "SUPERSEDED"


TERMINAL = frozenset({Status.COUNTED, Status.REJECTED, Status.FAILED, Status.SUPERSEDED})
_ANSWERED = frozenset({Status.COUNTED, Status.REJECTED, Status.SUPERSEDED})
# From each status to those that may follow. None is a photograph that the ledger does not hold yet. FAILED gives way to
# an answer that comes after all, and to a person who asks for another try.
TRANSITIONS: dict[Status | None, frozenset[Status]] = {
    None: frozenset({Status.RECEIVED, Status.SUBMITTED, Status.REJECTED}),
    Status.RECEIVED: _ANSWERED | {Status.SUBMITTED, Status.FAILED},
    Status.SUBMITTED: _ANSWERED | {Status.RECEIVED, Status.FAILED},
    Status.COUNTED: frozenset(),
    Status.REJECTED: frozenset(),
    Status.FAILED: _ANSWERED | {Status.RECEIVED},
    Status.SUPERSEDED: frozenset(),
}


def may_follow(old: Status | None, new: Status) -> bool:
    """Whether a photograph in status `old` (None: not in the ledger) may become `new`."""
    return new in TRANSITIONS[old]


@dataclass(frozen=True)
class Image:
    """One version of one object in the intake bucket.

    `sequencer` is padded, `captured_at` is when S3 took the object (ISO 8601, UTC, milliseconds).
    """

    bucket: str
    key: str
    version_id: str | None
    sequencer: str
    captured_at: str
    bin_id: str

    @cached_property
    def image_id(self) -> str:
        """32 hex digits, the same for every delivery of the same object version. Safe wherever a key is not."""
        version = self.version_id or self.sequencer
        return hashlib.sha256("\0".join((self.bucket, self.key, version)).encode()).hexdigest()[:32]

    @property
    def uri(self) -> str:
        """`s3://bucket/key`, the key as it is, not encoded."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def is_folder_marker(self) -> bool:
        """Consoles show folders by putting empty objects whose key ends in a slash."""
        return self.key.endswith("/")


@dataclass(frozen=True)
class LedgerEntry:
    """An image and its state.

    `attempts` counts the jobs that included it. `attempts_reset` of them no longer count, because somebody asked for a
    retry. `reason` says why it has no count; `code` is that reason for programs, the code of a `PredictionError` or
    `folder_marker`. A RECEIVED image is due from `due_at` (ISO 8601).
    """

    image: Image
    status: Status
    job_id: str | None
    attempts: int = 0
    attempts_reset: int = 0
    reason: str = ""
    due_at: str = ""
    code: str = ""

    @property
    def counted_attempts(self) -> int:
        """How many attempts count towards the maximum."""
        return self.attempts - self.attempts_reset

    def is_held_by(self, job_id: str) -> bool:
        return self.status is Status.SUBMITTED and self.job_id == job_id
