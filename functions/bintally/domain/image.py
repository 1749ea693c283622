"""Images and their states. Each version of an object in the intake bucket is one image."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property


class Status(StrEnum):
    """The status of an image. See TRANSITIONS."""

    RECEIVED = "RECEIVED"
    SUBMITTED = "SUBMITTED"
    COUNTED = "COUNTED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    SUPERSEDED = "SUPERSEDED"


TERMINAL = frozenset({Status.COUNTED, Status.REJECTED, Status.FAILED, Status.SUPERSEDED})
_WITH_RESULT = frozenset({Status.COUNTED, Status.REJECTED, Status.SUPERSEDED})
# The statuses that may follow each status. None is an image that is not in the ledger yet. FAILED is not final: a late
# result replaces it, and an operator can retry the image. An operator can also have a COUNTED image recounted.
TRANSITIONS: dict[Status | None, frozenset[Status]] = {
    None: frozenset({Status.RECEIVED, Status.SUBMITTED, Status.REJECTED}),
    Status.RECEIVED: _WITH_RESULT | {Status.SUBMITTED, Status.FAILED},
    Status.SUBMITTED: _WITH_RESULT | {Status.RECEIVED, Status.FAILED},
    Status.COUNTED: frozenset({Status.RECEIVED}),
    Status.REJECTED: frozenset(),
    Status.FAILED: _WITH_RESULT | {Status.RECEIVED},
    Status.SUPERSEDED: frozenset(),
}


def may_follow(old: Status | None, new: Status) -> bool:
    """Whether an image in status `old` (None: not in the ledger) may become `new`."""
    return new in TRANSITIONS[old]


@dataclass(frozen=True)
class Image:
    """One version of one object in the intake bucket.

    `sequencer` is padded. `captured_at` is the time of the upload (ISO 8601, UTC, milliseconds).
    """

    bucket: str
    key: str
    version_id: str | None
    sequencer: str
    captured_at: str
    bin_id: str

    @cached_property
    def image_id(self) -> str:
        """32 hex digits, the same for every delivery of the same object version. Safe where arbitrary keys are not."""
        version = self.version_id or self.sequencer
        return hashlib.sha256("\0".join((self.bucket, self.key, version)).encode()).hexdigest()[:32]

    @property
    def uri(self) -> str:
        """`s3://bucket/key`, with the key not encoded."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def is_folder_marker(self) -> bool:
        """Whether this is an empty object that consoles create to show a folder. Its key ends in a slash."""
        return self.key.endswith("/")


@dataclass(frozen=True)
class LedgerEntry:
    """An image and its state.

    `attempts` counts the jobs that included it. `attempts_reset` of them no longer count, because an operator asked for
    a retry. `reason` says why it has no count. `code` is the reason for programs: the code of a `PredictionError`, or
    `folder_marker`. A RECEIVED image is due at `due_at` (ISO 8601). `recounts` is how
    often an operator asked for a recount, and `model` is what counted the image last.
    """

    image: Image
    status: Status
    job_id: str | None
    attempts: int = 0
    attempts_reset: int = 0
    reason: str = ""
    due_at: str = ""
    code: str = ""
    recounts: int = 0
    model: str = ""

    @property
    def counted_attempts(self) -> int:
        """How many attempts count towards the maximum."""
        return self.attempts - self.attempts_reset

    def is_held_by(self, job_id: str) -> bool:
        return self.status is Status.SUBMITTED and self.job_id == job_id

    def takes_result_of(self, job_id: str) -> bool:
        """Whether a result of that job may complete the image.

        Any job's may, as long as the image has none. One that is recounted has one: there, only the job that holds it.
        """
        return may_follow(self.status, Status.COUNTED) and (not self.recounts or self.is_held_by(job_id))
