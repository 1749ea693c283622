"""Tables that say what was written to them: as streams do, and as a witness to writes that should not have been."""

from __future__ import annotations

from typing import Any

from bintally.domain.bins import BinCount
from bintally.domain.image import Status
from bintally.domain.verdicts import OrderLine, Verdict


class WatchedBins(dict[str, BinCount]):
    """`changed` bins are still in the stream; `stale` are older counts that replaced newer ones."""

    def __init__(self) -> None:
        super().__init__()
        self.changed: list[str] = []
        self.stale: list[str] = []

    def __setitem__(self, bin_id: str, count: BinCount) -> None:
        held = self.get(bin_id)
        if held and _order(held) > _order(count):
            self.stale.append(f"bin {bin_id}: {held.image.key} of {held.image.captured_at} was overwritten by an older")
        self.changed.append(bin_id)
        super().__setitem__(bin_id, count)


def _order(count: BinCount) -> tuple[str, str, str]:
    """The simulation's puts are ordered by time alone; this does not ask the code under test."""
    return count.image.captured_at, count.image.key, count.image.sequencer


class WatchedLines(dict[tuple[str, str], OrderLine]):
    """`changed` lines are those that became PENDING, which the stream has still to tell of."""

    def __init__(self) -> None:
        super().__init__()
        self.changed: list[tuple[str, str]] = []

    def __setitem__(self, key: tuple[str, str], line: OrderLine) -> None:
        if line.verdict is Verdict.PENDING:
            self.changed.append(key)
        super().__setitem__(key, line)


_ENDS = {Status.COUNTED, Status.REJECTED, Status.SUPERSEDED}
_LEGAL = {
    Status.RECEIVED: {Status.SUBMITTED, *_ENDS},
    Status.SUBMITTED: {Status.RECEIVED, Status.FAILED, *_ENDS},
    Status.FAILED: {Status.RECEIVED, *_ENDS},
}


def _is_recount(held: Any, entry: Any) -> bool:
    """Whether a person asked for another count. Nothing else changes what is counted."""
    statuses = held.status, entry.status
    return statuses == (Status.COUNTED, Status.RECEIVED) and bool(entry.recounts == held.recounts + 1)


class WatchedLedger(dict[str, Any]):
    """How often each photo was `entered` and then `written`, and `illegal` transitions."""

    def __init__(self) -> None:
        super().__init__()
        self.entered: dict[str, int] = {}
        self.written: dict[str, int] = {}
        self.illegal: list[str] = []

    def setdefault(self, image_id: str, entry: Any = None) -> Any:
        if image_id not in self:
            self.entered[image_id] = self.entered.get(image_id, 0) + 1
            super().__setitem__(image_id, entry)
        return self[image_id]

    def __setitem__(self, image_id: str, entry: Any) -> None:
        held = self.get(image_id)
        if held is None or not (entry.status in _LEGAL.get(held.status, ()) or _is_recount(held, entry)):
            self.illegal.append(f"{entry.image.key} became {entry.status} after {held and held.status}")
        self.written[image_id] = self.written.get(image_id, 0) + 1
        super().__setitem__(image_id, entry)
