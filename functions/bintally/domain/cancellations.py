"""Cancellations: order lines that a person took out, whatever order files say."""

from __future__ import annotations

from dataclasses import dataclass

from bintally.domain.names import CONTROL, LONE_SURROGATE

MAX_TEXT = 100  # characters of a name, and of a reason


@dataclass(frozen=True)
class Cancellation:
    """Who cancelled an order line, when (ISO 8601, UTC) and why, or "" for no reason."""

    by: str
    at: str
    why: str = ""

    @property
    def reason(self) -> str:
        """The reason of the line, in words."""
        return f"Cancelled by {self.by}{f': {self.why}' if self.why else ''}."


def fault_of(cancellation: Cancellation) -> str:
    """What is wrong with a cancellation, as a sentence, or "" if it is valid."""
    for name, text in {"name of the person": cancellation.by, "reason": cancellation.why or "none"}.items():
        if not 0 < len(text) <= MAX_TEXT or CONTROL.search(text) or LONE_SURROGATE.search(text):
            return f"The {name} must have 1 to {MAX_TEXT} characters, and no control characters."
    return ""
