"""A supervisor accepts what a line says, so that nobody has to do anything about it any more."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from bintally.domain.attention import Acceptance, Group
from bintally.domain.errors import ChangedError, ConflictError, DecisionError, NotFoundError
from bintally.domain.names import CONTROL
from bintally.domain.times import iso
from bintally.domain.verdicts import OrderLine


class AcceptedLines(Protocol):
    """The consignments table."""

    def read(self, keys: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], OrderLine]:
        """The lines with these (consignment id, bin id), by that key; strongly consistent."""

    def accept(self, line: OrderLine, acceptance: Acceptance) -> bool:
        """Note that the verdict on a line was accepted, so it waits no longer; False if the line has changed."""


def accept(orders: AcceptedLines, key: tuple[str, str], *, who: str, reason_code: str, now: datetime) -> OrderLine:
    """Accept the verdict on a line that waits for somebody to act; the line as it is then. Safe to repeat.

    A newer photo, a decision or an undo changes the bin, and with it the line waits again. Raises DecisionError.
    """
    line = orders.read([key]).get(key)
    if line is None:
        raise NotFoundError("There is no such order line.")
    if CONTROL.search(reason_code):
        raise DecisionError("The reason code has control characters.")
    if line.accepted and line.accepted.bin_revision == line.bin_revision and line.attention is None:
        return line
    if line.attention is None or line.attention.group is not Group.ACT or not line.bin_revision:
        raise ConflictError("The line does not wait for somebody to act, or its bin was never counted.")
    acceptance = Acceptance(who, iso(now), reason_code, line.bin_revision)
    if not orders.accept(line, acceptance):
        raise ChangedError("The line has changed since it was read.")
    return replace(line, attention=None, accepted=acceptance)
