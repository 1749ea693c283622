"""Store what people say about photos, and show it in the bins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from bintally.domain.bins import BinCount, is_newer
from bintally.domain.decisions import Decision, decided_lines, fault_of, selection_of, with_decisions
from bintally.domain.errors import ChangedError, ConflictError, DecisionError, NotFoundError, StoreError
from bintally.domain.times import iso
from bintally.usecases.ports import Bins, Ledger, Orders

ATTEMPTS = 8  # while others change the same bin


class Decisions(Protocol):
    """The decisions table.

    Each write is one transaction: the decision, and `shown`, the bin with what people decided about its image, or None
    if the decision changes nothing there. Nothing is written, and the answer is False, if the bin is no longer of the
    revision of `shown`, or if somebody else has written the same decision or undone it.
    """

    def of_bin(self, bin_id: str) -> list[Decision]:
        """All decisions about photos of a bin, the oldest first; strongly consistent."""

    def add(self, decision: Decision, shown: BinCount | None) -> bool:
        """Add a decision whose id is new in its bin."""

    def mark_undone(self, decision: Decision, shown: BinCount | None) -> bool:
        """Write by whom and when a decision was undone."""


class DecisionStores(Protocol):
    """What these use cases depend on."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def bins(self) -> Bins: ...

    @property
    def orders(self) -> Orders: ...

    @property
    def decisions(self) -> Decisions: ...


def decide(stores: DecisionStores, wanted: Decision, *, now: datetime, seen_revision: int | None = None) -> Decision:
    """Store a decision, and show it in its bin if that still has the same photo; the decision as it is stored.

    Without an `image_id` it is about the photo that the bin shows. Safe to repeat with the same `decision_id`: what is
    stored is returned as it is. Its lines and its selection probability are found here. The model's count is never
    changed, and the verdicts of the bin's lines follow by the stream of the bins. Raises DecisionError, among them
    ChangedError if the bin is not of `seen_revision` (None: of any), and StoreError if others keep changing the bin.
    """
    for _ in range(ATTEMPTS):
        count = _count_of(stores, wanted.bin_id)  # before the decisions: one that is added meanwhile changes the bin
        held = stores.decisions.of_bin(wanted.bin_id)
        decision = replace(wanted, image_id=wanted.image_id or count.image.image_id, decided_at=iso(now))
        for known in (each for each in held if each.decision_id == wanted.decision_id):
            if not wanted.image_id or known.says_the_same_as(decision):
                return known
            raise ConflictError(f"Another decision about bin {wanted.bin_id} has the id {wanted.decision_id}.")
        if seen_revision not in (None, count.revision):
            raise ChangedError(f"Bin {wanted.bin_id} has changed since you saw it.")
        _check(stores, decision, count)
        is_shown = decision.image_id == count.image.image_id
        decision = _with_lines(stores, decision, held, is_shown)
        decision = replace(decision, bin_revision=count.revision + 1 if is_shown else 0)
        if stores.decisions.add(decision, with_decisions(count, [*held, decision]) if is_shown else None):
            return decision
    raise _busy(wanted.bin_id)


def undo(stores: DecisionStores, bin_id: str, decision_id: str, *, who: str, now: datetime) -> Decision:
    """Mark a decision as undone; the decision as it is stored. Safe to repeat.

    The bin shows again what it would show without the decision: an earlier one about the same photo, or the model's
    count. Raises DecisionError if there is no such decision.
    """
    for _ in range(ATTEMPTS):
        count = _count_of(stores, bin_id)
        held = stores.decisions.of_bin(bin_id)
        known = next((each for each in held if each.decision_id == decision_id), None)
        if known is None:
            raise NotFoundError(f"Bin {bin_id} has no decision {decision_id}. `bintally history BIN` lists them.")
        if known.undone_by:
            return known
        undone = replace(known, undone_by=who, undone_at=iso(now))
        if fault := fault_of(replace(undone, who=who)):
            raise DecisionError(fault)
        is_shown = known.image_id == count.image.image_id
        others: Sequence[Decision] = [each for each in held if each is not known]
        if stores.decisions.mark_undone(undone, with_decisions(count, others) if is_shown else None):
            return undone
    raise _busy(bin_id)


def _with_lines(stores: DecisionStores, decision: Decision, held: Sequence[Decision], is_shown: bool) -> Decision:
    """The decision with the lines of its bin, and how probable it was that a person is asked about its photo."""
    lines = stores.orders.read(stores.orders.of_bins([decision.bin_id])).values()
    earlier = [each for each in held if each.image_id == decision.image_id]
    chosen = selection_of(lines if is_shown else (), decision.image_id, earlier)
    return replace(decision, lines=decided_lines(lines, decision.image_id, earlier), selection_probability=chosen)


def _count_of(stores: DecisionStores, bin_id: str) -> BinCount:
    if count := stores.bins.read([bin_id]).get(bin_id):
        return count
    raise NotFoundError(f"Bin {bin_id} has no counted photo. `bintally bins` lists those that have one.")


def _check(stores: DecisionStores, decision: Decision, count: BinCount) -> None:
    """Raises DecisionError for a decision that can't be stored."""
    if fault := fault_of(decision):
        raise DecisionError(fault)
    if decision.image_id == count.image.image_id:
        return
    entry = stores.ledger.read([decision.image_id]).get(decision.image_id)
    if entry is None or entry.image.bin_id != decision.bin_id:
        raise NotFoundError(f"Bin {decision.bin_id} has no photo {decision.image_id}.")
    if is_newer(entry.image, count.image):
        raise DecisionError(f"The photo {decision.image_id} of bin {decision.bin_id} is not counted yet. Try later.")


def _busy(bin_id: str) -> StoreError:
    return StoreError(f"Others changed bin {bin_id} at each of {ATTEMPTS} attempts.")
