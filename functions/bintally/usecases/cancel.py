"""Cancel order lines, and take that back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from bintally.domain.cancellations import Cancellation, fault_of
from bintally.domain.errors import CancellationError
from bintally.domain.times import iso
from bintally.domain.verdicts import OrderLine


class CancelledLines(Protocol):
    """The consignments table."""

    def of_consignment(self, consignment_id: str) -> list[OrderLine]:
        """All lines of a consignment, strongly consistent."""

    def cancel(self, lines: Sequence[OrderLine], cancellation: Cancellation) -> int:
        """Move lines to WITHDRAWN until `restore`; how many moved. A line that is cancelled stays as it is."""

    def restore(self, lines: Sequence[OrderLine], now: str) -> int:
        """End the cancellation of lines; of how many. A line that the newest file has is PENDING again."""


class CancelStores(Protocol):
    """What these use cases use."""

    @property
    def orders(self) -> CancelledLines: ...


@dataclass(frozen=True)
class Changed:
    """How many lines changed, and how many already were as wanted."""

    changed: int
    unchanged: int


def cancel(
    stores: CancelStores, consignment_id: str, bin_ids: Collection[str], cancellation: Cancellation, *, now: datetime
) -> Changed:
    """Cancel these lines of a consignment, or all of them if `bin_ids` is empty.

    They leave the queue and get no verdict any more. Order files still change what they expect, and never bring them
    back: only `restore` does. Safe to repeat: the first cancellation stays. Raises CancellationError for unknown lines.
    """
    if fault := fault_of(cancellation):
        raise CancellationError(fault)
    lines = _lines(stores, consignment_id, bin_ids)
    changed = stores.orders.cancel(lines, replace(cancellation, at=iso(now)))
    return Changed(changed, len(lines) - changed)


def restore(stores: CancelStores, consignment_id: str, bin_ids: Collection[str], *, now: datetime) -> Changed:
    """End the cancellation of lines, as `cancel` chooses them. They get a verdict again. Safe to repeat."""
    lines = _lines(stores, consignment_id, bin_ids)
    changed = stores.orders.restore(lines, iso(now))
    return Changed(changed, len(lines) - changed)


def _lines(stores: CancelStores, consignment_id: str, bin_ids: Collection[str]) -> list[OrderLine]:
    lines = stores.orders.of_consignment(consignment_id)
    if not lines:
        raise CancellationError(f"Consignment {consignment_id} not found. `bintally consignment` lists all of them.")
    if unknown := sorted(set(bin_ids) - {line.bin_id for line in lines}):
        raise CancellationError(
            f"Consignment {consignment_id} has no line for bin {', '.join(unknown)}. Nothing was changed. "
            f"`bintally consignment ID` lists its lines."
        )
    return [line for line in lines if not bin_ids or line.bin_id in bin_ids]
