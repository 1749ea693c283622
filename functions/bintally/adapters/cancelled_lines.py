"""Writes of the consignments table that cancel an order line, or end that."""

from __future__ import annotations

from dataclasses import asdict

from bintally.adapters.dynamo import Item, update
from bintally.adapters.order_lines import key_of, queued, unjudged
from bintally.domain.cancellations import Cancellation
from bintally.domain.verdicts import NO_LONGER_ORDERED, OrderLine, Verdict


def cancelling(table: str, line: OrderLine, cancellation: Cancellation) -> Item:
    """A write that cancels a line, unless it is cancelled."""
    changes: dict[str, object] = {"cancelled": asdict(cancellation), "verdict": Verdict.WITHDRAWN.value}
    changes |= {"reason": cancellation.reason, "judged_at": cancellation.at}
    # It is never due again, and nobody has to look at it.
    changes |= {**dict.fromkeys(("overdue", "due_partition")), **queued(None)}
    return update(table, key_of(line), changes, "attribute_exists(#order_version) AND attribute_not_exists(#cancelled)")


def restoring(table: str, line: OrderLine, now: str) -> Item:
    """A write that ends a cancellation, unless the line has changed.

    A line that a newer file no longer has stays withdrawn.
    """
    is_outdated = line.order_version < line.replace_version
    found = {"reason": NO_LONGER_ORDERED, "judged_at": now} if is_outdated else unjudged(line)
    condition = "attribute_exists(#cancelled) AND #order_version = :held AND "
    condition += "#replace_version = :replaced" if line.replace_version else "attribute_not_exists(#replace_version)"
    parameters = {"held": line.order_version, "replaced": line.replace_version}
    return update(table, key_of(line), {"cancelled": None, **found}, condition, parameters)


def as_read(line: OrderLine) -> str:
    """The condition that nobody has cancelled or restored the line since it was read."""
    return f"attribute_{'exists' if line.cancelled else 'not_exists'}(#cancelled)"
