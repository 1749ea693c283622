"""A photograph as the ledger knows it: one item for each object version that was put."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Where a photograph stands; see TRANSITIONS."""

    RECEIVED = "RECEIVED"
    SUBMITTED = "SUBMITTED"
    COUNTED = "COUNTED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    SUPERSEDED = "SUPERSEDED"


# From each status to those that may follow. None is a photograph that the ledger does not hold yet.
TRANSITIONS: dict[Status | None, frozenset[Status]] = {
    None: frozenset({Status.RECEIVED, Status.SUBMITTED, Status.REJECTED}),
    Status.RECEIVED: frozenset({Status.SUBMITTED, Status.REJECTED, Status.FAILED, Status.SUPERSEDED}),
    Status.SUBMITTED: frozenset(
        {Status.RECEIVED, Status.COUNTED, Status.REJECTED, Status.FAILED, Status.SUPERSEDED},
    ),
    Status.COUNTED: frozenset(),
    Status.REJECTED: frozenset(),
    Status.FAILED: frozenset(),
    Status.SUPERSEDED: frozenset(),
}
TERMINAL = frozenset(status for status, following in TRANSITIONS.items() if status and not following)


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

    @property
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
    """A photograph with where it stands."""

    image: Image
    status: Status
    job_id: str | None
