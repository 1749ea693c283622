"""What becomes of a photograph that a job asked about."""

from __future__ import annotations

from dataclasses import dataclass

from bintally.domain.image import Status
from bintally.domain.manifest import Answer


@dataclass(frozen=True)
class Outcome:
    """The status in which a photograph ends, why, and the answer that says so."""

    image_id: str
    status: Status
    reason: str
    answer: Answer | None


@dataclass(frozen=True)
class Return:
    """A photograph that had no answer, why, and from when it is due again (ISO 8601); `code` is why for programs."""

    image_id: str
    reason: str
    due_at: str
    code: str = ""
