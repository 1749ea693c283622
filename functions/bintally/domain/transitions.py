"""Outcomes of a job for one image: completed with a status, or requeued."""

from __future__ import annotations

from dataclasses import dataclass

from bintally.domain.image import Status
from bintally.domain.manifest import Result


@dataclass(frozen=True)
class Completion:
    """The terminal status of an image, its reason, and the result that led to it."""

    image_id: str
    status: Status
    reason: str
    result: Result | None


@dataclass(frozen=True)
class Requeue:
    """An image without a result: why (`code` for programs), and when it is due again (ISO 8601)."""

    image_id: str
    reason: str
    due_at: str
    code: str = ""
