"""Verdicts: what the counts say of an order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bintally.domain.bins import BinCount, BinStatus


class Verdict(StrEnum):
    """Of an order line. In the order of attention: a consignment's verdict is the first that one of its lines has."""

    SHORT = "SHORT"
    OVER = "OVER"
    MISSING = "MISSING"
    UNREADABLE = "UNREADABLE"
    UNCERTAIN = "UNCERTAIN"
    PENDING = "PENDING"
    MATCH = "MATCH"


NOT_COUNTED = "Not counted yet."
VARIANCES = frozenset({Verdict.SHORT, Verdict.OVER})


@dataclass(frozen=True)
class Thresholds:
    """How sure the model has to be: `match` for MATCH, `variance` for SHORT and OVER. Both at least 0.5."""

    match: float
    variance: float


@dataclass(frozen=True)
class OrderLine:
    """How many items of a bin a consignment expects. `due_at` is ISO 8601 in UTC, or None for no date.

    `order_version` grows with each import; `bin_revision` is the revision of the bin that the verdict rests on.
    """

    consignment_id: str
    bin_id: str
    expected: int
    due_at: str | None = None
    order_version: str = ""
    verdict: Verdict = Verdict.PENDING
    reason: str = NOT_COUNTED
    counted: int | None = None
    bin_revision: int = 0


@dataclass(frozen=True)
class Finding:
    """A verdict with its reason in words, and the count it rests on."""

    verdict: Verdict
    reason: str
    counted: int | None = None


def line_verdict(line: OrderLine, count: BinCount | None, *, now: str, thresholds: Thresholds) -> Finding:
    """The verdict of one line. `now` is ISO 8601 in UTC."""
    if count is None:
        return _not_counted(line, now)
    if count.status is BinStatus.UNREADABLE or count.count is None:
        return Finding(Verdict.UNREADABLE, f"The latest photograph was not counted: {count.reason}")
    known = sorted(count.probabilities)
    if line.expected not in known:
        span = f"from {known[0]} to {known[-1]}" if known else "without probabilities"
        reason = f"{line.expected} expected, but this model counts {span}; a person has to look."
        return Finding(Verdict.UNCERTAIN, reason, count.count)
    return _compare(line.expected, count, thresholds)


def _not_counted(line: OrderLine, now: str) -> Finding:
    if line.due_at and line.due_at <= now:
        return Finding(Verdict.MISSING, f"Due {line.due_at} and not counted.")
    return Finding(Verdict.PENDING, NOT_COUNTED)


def _compare(expected: int, count: BinCount, thresholds: Thresholds) -> Finding:
    equal = count.probabilities[expected]
    fewer = sum(share for number, share in count.probabilities.items() if number < expected)
    more = sum(share for number, share in count.probabilities.items() if number > expected)
    reason = f"{expected} expected, {count.count} counted: {equal:.0%} as expected, {fewer:.0%} fewer, {more:.0%} more."
    if fewer >= thresholds.variance:
        return Finding(Verdict.SHORT, reason, count.count)
    if more >= thresholds.variance:
        return Finding(Verdict.OVER, reason, count.count)
    if equal >= thresholds.match and count.count == expected:
        return Finding(Verdict.MATCH, reason, count.count)
    return Finding(Verdict.UNCERTAIN, reason, count.count)


def consignment_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict that needs attention first. A consignment without lines is PENDING."""
    present = set(verdicts)
    return next((verdict for verdict in Verdict if verdict in present), Verdict.PENDING)
