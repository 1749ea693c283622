"""What waits for people: the place of an order line in the queue of the desk."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Group(StrEnum):
    """LOOK: a person should look at the photo. ACT: somebody looked, or no photo can tell; a supervisor decides."""

    LOOK = "look"
    ACT = "act"


@dataclass(frozen=True)
class Attention:
    """A place in the queue. `rank` sorts the lines of a group: the first due day first, then the riskiest."""

    group: Group
    rank: str


@dataclass(frozen=True)
class Acceptance:
    """A supervisor accepted the verdict on a line that rests on this revision of its bin. `at` is ISO 8601, UTC."""

    by: str
    at: str
    reason_code: str
    bin_revision: int
