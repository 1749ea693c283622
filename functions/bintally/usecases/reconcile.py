"""Counts against orders: a verdict for each line that something changed for."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from urllib.parse import quote

from bintally.domain.bins import BinCount
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

MOST_OVERDUE = 2_000  # lines that one look at the clock takes
Announcement = tuple[str, Mapping[str, object]]


@dataclass(frozen=True)
class Changes:
    """What may have changed a verdict: bins that were counted, lines that were imported, whole consignments.

    `judged` are consignments of which a line has got another verdict, so that they may be finished now. `overdue`: the
    clock has moved on, and lines that waited may be due.
    """

    bins: Collection[str] = ()
    lines: Collection[tuple[str, str]] = ()
    consignments: Collection[str] = ()
    judged: Collection[str] = ()
    overdue: bool = False


@dataclass(frozen=True)
class ReconcileSummary:
    """How many lines were looked at, and the new verdicts by how often they were given."""

    lines: int
    verdicts: Mapping[Verdict, int]


@dataclass(frozen=True)
class Judgement:
    """What is found of a line, and the revision of the bin that it rests on (0: the bin has no count)."""

    line: OrderLine
    finding: Finding
    revision: int

    @property
    def is_new(self) -> bool:
        """Whether it says something else than what stands."""
        return _conclusion(self.finding) != _conclusion(self.line)


def _conclusion(of: Finding | OrderLine) -> tuple[object, ...]:
    return of.verdict, of.counted, of.counted_at_least, of.reason, of.overdue


def reconcile(
    changes: Changes,
    *,
    orders: Orders,
    bins: Bins,
    events: Events,
    thresholds: Thresholds,
    now: datetime,
    zone: tzinfo = UTC,
) -> ReconcileSummary:
    """Judge every line that `changes` touch, from the order and the count as they stand now.

    May be run again, also beside itself. A verdict that stands is not announced again, but it is written again when it
    rests on a newer count, so that a slower run with the older count is refused. Discrepancies are announced before
    they are written: a crash between the two announces twice (with the same event id) rather than never. That a
    consignment is finished is announced when the stream tells of the verdict that finished it (`judged`).
    """
    due = set(orders.due(iso(now), MOST_OVERDUE)) if changes.overdue else set()
    lines = _lines(replace(changes, lines=due | set(changes.lines)), orders)
    counts = bins.read({line.bin_id for line in lines})
    judgements = [_judge(line, counts.get(line.bin_id), thresholds, iso(now), zone) for line in lines]
    new = [each for each in judgements if each.is_new]
    events.publish(_discrepancy(each) for each in new if each.finding.verdict in VARIANCES)
    to_write = [
        each for each in judgements if each.is_new or each.revision > each.line.bin_revision or each.line.key in due
    ]
    written = orders.judge([(each.line, each.finding, each.revision) for each in to_write], iso(now))
    events.publish(_finished(changes.judged, orders))
    verdicts = [each.finding.verdict for each in new if (each.line.consignment_id, each.line.bin_id) in written]
    return ReconcileSummary(
        len(lines), {verdict: verdicts.count(verdict) for verdict in Verdict if verdict in verdicts}
    )


def _lines(changes: Changes, orders: Orders) -> list[OrderLine]:
    lines = orders.read(set(changes.lines) | orders.of_bins(changes.bins))
    for consignment_id in changes.consignments:
        lines |= {(line.consignment_id, line.bin_id): line for line in orders.of_consignment(consignment_id)}
    return [line for line in lines.values() if line.verdict is not Verdict.WITHDRAWN]


def _judge(line: OrderLine, count: BinCount | None, thresholds: Thresholds, now: str, zone: tzinfo) -> Judgement:
    finding = line_verdict(line, count, now=now, thresholds=thresholds, zone=zone)
    return Judgement(line, finding, count.revision if count else 0)


def _discrepancy(judgement: Judgement) -> Announcement:
    line, finding = judgement.line, judgement.finding
    counted = {"counted": finding.counted, "counted_at_least": finding.counted_at_least}
    return "DiscrepancyFound", {
        # Quoted: an id may hold a slash, and "A/B" with "C" is not "A" with "B/C".
        "event_id": f"{quote(line.consignment_id, '')}/{quote(line.bin_id, '')}"
        f"/{line.order_version}/{judgement.revision}",
        "consignment_id": line.consignment_id,
        "bin_id": line.bin_id,
        "expected": line.expected,
        **{name: number for name, number in counted.items() if number is not None},
        "verdict": str(finding.verdict),
        "reason": finding.reason,
    }


def _finished(consignment_ids: Collection[str], orders: Orders) -> Iterator[Announcement]:
    """An event for each of the consignments in which no line is pending."""
    for consignment_id in sorted(set(consignment_ids)):
        lines = orders.of_consignment(consignment_id)
        verdicts = [line.verdict for line in lines]
        if not lines or Verdict.PENDING in verdicts:
            continue
        facts = "".join(f"{line.bin_id}/{line.order_version}/{line.bin_revision}/{line.verdict};" for line in lines)
        yield (
            "ConsignmentReconciled",
            {
                "event_id": f"{consignment_id}/{hashlib.sha256(facts.encode()).hexdigest()[:16]}",
                "consignment_id": consignment_id,
                "verdict": str(consignment_verdict(verdicts)),
                "lines": {str(verdict): verdicts.count(verdict) for verdict in Verdict if verdict in verdicts},
            },
        )
