"""What becomes of a photograph that a job asked about."""

from __future__ import annotations

from dataclasses import dataclass

from bintally.domain.image import Status
from bintally.domain.manifest import Result


@dataclass(frozen=True)
class Completion:
    """The status in which a photograph ends, why, and the answer that says so."""

    image_id: str
    status: Status
    reason: str
    result: Result | None


@dataclass(frozen=True)
class Requeue:
    """A photograph that had no answer, why, and from when it is due again (ISO 8601); `code` is why for programs."""

    image_id: str
    reason: str
    due_at: str
    code: str = ""
