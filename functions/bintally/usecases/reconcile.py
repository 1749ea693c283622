"""Compare counts with orders: a verdict for each line that a change may affect."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from urllib.parse import quote

from bintally.domain.audits import drawn_share
from bintally.domain.bins import BinCount
from bintally.domain.changes import Changes
from bintally.domain.decisions import MODEL
from bintally.domain.queue import attention_of
from bintally.domain.risk import odds_facts
from bintally.domain.times import iso
from bintally.domain.verdicts import (
    VARIANCES,
    Finding,
    OrderLine,
    Verdict,
    VerdictRules,
    consignment_verdict,
    line_verdict,
)
from bintally.usecases.ports import Dependencies, Orders

MAX_DUE = 2_000  # lines that one scheduled run judges
Event = tuple[str, Mapping[str, object]]


@dataclass(frozen=True)
class ReconcileSummary:
    """How many lines were judged, and how often each verdict was new."""

    lines: int
    verdicts: Mapping[Verdict, int]


@dataclass(frozen=True)
class Judgement:
    """The finding for a line, the revision of the bin that it rests on (0: no count), and whose count that is."""

    line: OrderLine
    finding: Finding
    revision: int
    source: str = MODEL

    @property
    def is_new(self) -> bool:
        """Whether it differs from what the line says."""
        return _conclusion(self.finding) != _conclusion(self.line)

    @property
    def must_be_written(self) -> bool:
        """Whether it is new, rests on a newer count, moves the line in the queue of the desk, or audits it."""
        held, found = self.line, self.finding
        moves = (found.attention, found.audit_share) != (held.attention, held.audit_share)
        return self.is_new or moves or self.revision > held.bin_revision


def _conclusion(of: Finding | OrderLine) -> tuple[object, ...]:
    return of.verdict, of.counted, of.counted_at_least, of.reason, of.overdue, of.odds


def reconcile(
    dependencies: Dependencies,
    changes: Changes,
    *,
    rules: VerdictRules,
    now: datetime,
    zone: tzinfo = UTC,
    second_look: bool = False,
) -> ReconcileSummary:
    """Judge every line that `changes` affect, from the order and the count as they are now.

    Safe to repeat and to run concurrently. A verdict that has not changed is not published again. It is written again
    if it rests on a newer count, so that a slower run with the older count is refused. Discrepancies are published
    before they are written: a crash between the two publishes twice, with the same event id, rather than never. That a
    consignment is complete is published when the stream delivers the verdict that completed it (`judged`). With
    `second_look`, a count that differs from the order waits for another person.
    """
    orders, events = dependencies.orders, dependencies.events
    due = set(orders.due(iso(now), MAX_DUE)) if changes.overdue else set()
    lines = _lines(replace(changes, lines=due | set(changes.lines)), orders)
    counts = dependencies.bins.read({line.bin_id for line in lines})
    judgements = [_judge(line, counts.get(line.bin_id), rules, iso(now), zone, second_look) for line in lines]
    new = [each for each in judgements if each.is_new]
    events.publish(_discrepancy(each) for each in new if each.finding.verdict in VARIANCES)
    to_write = [each for each in judgements if each.must_be_written or each.line.key in due]
    written = orders.judge([(each.line, each.finding, each.revision) for each in to_write], iso(now))
    # A consignment with a line that was PENDING just now is skipped: the stream will deliver that line's verdict.
    pending = {line.consignment_id for line in lines if line.verdict is Verdict.PENDING}
    events.publish(_completed(set(changes.judged) - pending, orders))
    verdicts = [each.finding.verdict for each in new if each.line.key in written]
    return ReconcileSummary(
        len(lines), {verdict: verdicts.count(verdict) for verdict in Verdict if verdict in verdicts}
    )


def _lines(changes: Changes, orders: Orders) -> list[OrderLine]:
    lines = orders.read(set(changes.lines) | orders.of_bins(changes.bins))
    for consignment_id in changes.consignments:
        lines |= {line.key: line for line in orders.of_consignment(consignment_id)}
    return [line for line in lines.values() if line.verdict is not Verdict.WITHDRAWN]


def _judge(
    line: OrderLine, count: BinCount | None, rules: VerdictRules, now: str, zone: tzinfo, second_look: bool
) -> Judgement:
    finding = line_verdict(line, count, now=now, rules=rules, zone=zone)
    finding = replace(finding, audit_share=drawn_share(line, count, rules.audit_share))
    finding = replace(finding, attention=attention_of(line, finding, count, zone, second_look=second_look))
    return Judgement(line, finding, count.revision if count else 0, count.source if count else MODEL)


def _discrepancy(judgement: Judgement) -> Event:
    line, finding = judgement.line, judgement.finding
    numbers = {"counted": finding.counted, "counted_at_least": finding.counted_at_least, **odds_facts(finding.odds)}
    numbers["item_volume_l"] = line.item_volume_l
    return "DiscrepancyFound", {
        # Quoted: an id may contain a slash, and "A/B" with "C" is not "A" with "B/C".
        "event_id": f"{quote(line.consignment_id, '')}/{quote(line.bin_id, '')}"
        f"/{line.order_version}/{judgement.revision}",
        "consignment_id": line.consignment_id,
        "bin_id": line.bin_id,
        "expected": line.expected,
        **{name: number for name, number in numbers.items() if number is not None},
        "verdict": str(finding.verdict),
        "reason": finding.reason,
        "source": judgement.source,
    }


def _completed(consignment_ids: Collection[str], orders: Orders) -> Iterator[Event]:
    """An event for each of these consignments that has no PENDING line."""
    for consignment_id in sorted(consignment_ids):
        lines = orders.unless_pending(consignment_id)
        verdicts = [line.verdict for line in lines]
        if not lines:
            continue
        cancelled = sum(line.cancelled is not None for line in lines)
        facts = "".join(f"{line.bin_id}/{line.order_version}/{line.bin_revision}/{_state(line)};" for line in lines)
        yield (
            "ConsignmentReconciled",
            {
                "event_id": f"{consignment_id}/{hashlib.sha256(facts.encode()).hexdigest()[:16]}",
                "consignment_id": consignment_id,
                "verdict": str(consignment_verdict(verdicts)),
                "lines": {str(verdict): verdicts.count(verdict) for verdict in Verdict if verdict in verdicts},
                **({"cancelled": cancelled} if cancelled else {}),
            },
        )


def _state(line: OrderLine) -> str:
    return f"{line.verdict}{'/cancelled' if line.cancelled else ''}"
