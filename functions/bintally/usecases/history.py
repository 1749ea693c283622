"""The history of a bin, from all tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bintally.domain.decisions import Decision
from bintally.domain.history import LineRecord, Moment, PhotoRecord, timeline


class PhotoRecords(Protocol):
    """The ledger."""

    def history(self, bin_id: str) -> Sequence[PhotoRecord]:
        """All photos of a bin. Those of the last seconds may be missing."""


class DecisionRecords(Protocol):
    """The decisions table."""

    def of_bin(self, bin_id: str) -> Sequence[Decision]:
        """All decisions about photos of a bin."""


class LineRecords(Protocol):
    """The consignments table."""

    def history(self, bin_id: str) -> Sequence[LineRecord]:
        """The order lines of a bin, with their last import and verdict."""


class HistoryStores(Protocol):
    """What this use case reads."""

    @property
    def ledger(self) -> PhotoRecords: ...

    @property
    def decisions(self) -> DecisionRecords: ...

    @property
    def orders(self) -> LineRecords: ...


def history(stores: HistoryStores, bin_id: str) -> list[Moment]:
    """What happened to a bin, the oldest first; empty for an unknown bin.

    A line keeps its latest import and verdict only, and a photo its latest result.
    """
    return timeline(stores.ledger.history(bin_id), stores.decisions.of_bin(bin_id), stores.orders.history(bin_id))
