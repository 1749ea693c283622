"""Counts against orders: a verdict for each line that something changed for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from bintally.domain.orders import iso
from bintally.domain.verdicts import (
    VARIANCES,
    Finding,
    OrderLine,
    Thresholds,
    Verdict,
    consignment_verdict,
    line_verdict,
)
from bintally.usecases.ports import Bins, Events, Orders

Announcement = tuple[str, Mapping[str, object]]


@dataclass(frozen=True)
class Changes:
    """What may have changed a verdict: bins that were counted, lines that were imported, whole consignments."""

    bins: Collection[str] = ()
    lines: Collection[tuple[str, str]] = ()
    consignments: Collection[str] = ()


@dataclass(frozen=True)
class Reconciled:
    """How many lines were looked at, and the new verdicts by how often they were given."""

    lines: int
    verdicts: Mapping[Verdict, int]


def reconcile(
    changes: Changes, *, orders: Orders, bins: Bins, events: Events, thresholds: Thresholds, now: datetime
) -> Reconciled:
    """Judge every line that `changes` touch, from the order and the count as they stand now.

    May be run again: a verdict that stands already is neither written nor announced. Announced before written, so that
    a crash between the two announces twice (with the same event id) rather than never.
    """
    keys = set(changes.lines) | orders.of_bins(changes.bins)
    lines = list(orders.read(keys).values())
    lines += [line for consignment_id in changes.consignments for line in orders.of_consignment(consignment_id)]
    counts = bins.read({line.bin_id for line in lines})
    judged = []
    for line in {(line.consignment_id, line.bin_id): line for line in lines}.values():
        count = counts.get(line.bin_id)
        finding = line_verdict(line, count, now=iso(now), thresholds=thresholds)
        revision = count.revision if count else 0
        if (finding.verdict, finding.counted, finding.reason) != (line.verdict, line.counted, line.reason):
            judged.append((line, finding, revision))
    events.publish(_discrepancy(*each) for each in judged if each[1].verdict in VARIANCES)
    written = orders.judge(judged, iso(now))
    events.publish(_finished({consignment_id for consignment_id, _ in written}, orders))
    new = [finding.verdict for line, finding, _ in judged if (line.consignment_id, line.bin_id) in written]
    return Reconciled(len(lines), {verdict: new.count(verdict) for verdict in Verdict if verdict in new})


def _discrepancy(line: OrderLine, finding: Finding, revision: int) -> Announcement:
    event_id = f"{line.consignment_id}/{line.bin_id}/{line.order_version}/{revision}"
    return "DiscrepancyFound", {
        "event_id": event_id,
        "consignment_id": line.consignment_id,
        "bin_id": line.bin_id,
        "expected": line.expected,
        "counted": finding.counted,
        "verdict": str(finding.verdict),
        "reason": finding.reason,
    }


def _finished(consignment_ids: Collection[str], orders: Orders) -> Iterator[Announcement]:
    """An event for each of the consignments in which no line is pending."""
    for consignment_id in sorted(consignment_ids):
        lines = orders.of_consignment(consignment_id)
        verdicts = [line.verdict for line in lines]
        if Verdict.PENDING in verdicts:
            continue
        versions = f"{max(line.order_version for line in lines)}/{sum(line.bin_revision for line in lines)}"
        yield (
            "ConsignmentReconciled",
            {
                "event_id": f"{consignment_id}/{versions}",
                "consignment_id": consignment_id,
                "verdict": str(consignment_verdict(verdicts)),
                "lines": {str(verdict): verdicts.count(verdict) for verdict in Verdict if verdict in verdicts},
            },
        )
