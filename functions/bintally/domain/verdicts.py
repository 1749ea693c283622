"""Verdicts: what the counts say about order lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from enum import StrEnum

from bintally.domain.bins import BinCount, BinStatus
from bintally.domain.due import due_words
from bintally.domain.intervals import number_text


class Verdict(StrEnum):
    """The verdict of an order line. A consignment's verdict is the first in this order that one of its lines has."""

    SHORT = "SHORT"
    OVER = "OVER"
    MISSING = "MISSING"
    UNREADABLE = "UNREADABLE"
    UNCERTAIN = "UNCERTAIN"
    PENDING = "PENDING"
    MATCH = "MATCH"
    WITHDRAWN = "WITHDRAWN"


NOT_COUNTED = "Not counted yet."
NO_LONGER_ORDERED = "A newer order file of this consignment no longer has the line."
VARIANCES = frozenset({Verdict.SHORT, Verdict.OVER})
WAITING = frozenset({Verdict.PENDING, Verdict.UNCERTAIN, Verdict.UNREADABLE})  # reconciled again when due


@dataclass(frozen=True)
class Thresholds:
    """Minimum probabilities: `match` for MATCH, `variance` for SHORT and OVER. Both are at least 0.5."""

    match: float
    variance: float


@dataclass(frozen=True)
class OrderLine:
    """How many items of a bin a consignment expects. `due_at` is ISO 8601 in UTC, or None if there is no due time.

    `order_version` increases with each import. `bin_revision` is the bin revision that the verdict is based on.
    `counted` and `counted_at_least` are those of the latest Finding. An `overdue` line is due and still MISSING,
    UNCERTAIN or UNREADABLE. `replace_version` is the version of the newest file known to have replaced the consignment,
    or "" if none has.
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
    counted_at_least: int | None = None
    overdue: bool = False
    replace_version: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.consignment_id, self.bin_id


@dataclass(frozen=True)
class Finding:
    """A verdict, its reason in words, and the count that it is based on.

    `counted` is the bin's count. If the bin holds more than the model can count, `counted` is None and
    `counted_at_least` is the minimum. Both are None if there is no count.
    """

    verdict: Verdict
    reason: str
    counted: int | None = None
    counted_at_least: int | None = None
    overdue: bool = False


def line_verdict(
    line: OrderLine, count: BinCount | None, *, now: str, thresholds: Thresholds, zone: tzinfo = UTC
) -> Finding:
    """The verdict of one line. `now` is ISO 8601 in UTC. Reasons give due times in `zone`, the site's time zone."""
    finding = _counted_verdict(line, count, thresholds) if count else Finding(Verdict.PENDING, NOT_COUNTED)
    if not line.due_at or line.due_at > now or finding.verdict not in WAITING:
        return finding
    due = due_words(line.due_at, zone)
    if count is None:
        return Finding(Verdict.MISSING, f"Due by {due} and not counted.", overdue=True)
    return replace(finding, reason=f"{finding.reason.rstrip('.')}. Overdue: due by {due}.", overdue=True)


def _counted_verdict(line: OrderLine, count: BinCount, thresholds: Thresholds) -> Finding:
    if count.status is BinStatus.UNREADABLE:
        return Finding(Verdict.UNREADABLE, f"The latest photo was not counted: {count.reason}")
    odds = _odds(line.expected, count)
    if odds is None:
        known = sorted(count.probabilities)
        span = f"from {known[0]} to {known[-1]}" if known else "without probabilities"
        reason = f"{line.expected} expected, but this model counts {span}, so a person must look."
        return Finding(Verdict.UNCERTAIN, reason, count.count, count.at_least)
    verdict = _verdict(line.expected, count, odds, thresholds)
    return Finding(verdict, _reason(line.expected, count, odds), count.count, count.at_least)


@dataclass(frozen=True)
class _Odds:
    """The probabilities that a bin holds as many items as expected, fewer, or more.

    If the expected number is above the model's range, `fewer` is a lower bound, and `rest` may be fewer, equal or more.
    """

    equal: float
    fewer: float
    more: float
    rest: float = 0.0


def _odds(expected: int, count: BinCount) -> _Odds | None:
    """None if the model has no output for the expected number."""
    classes, empty, over_range = count.class_probabilities, count.empty or 0.0, count.over_range or 0.0
    below = empty + sum(probability for number, probability in classes.items() if number < expected)
    above = over_range + sum(probability for number, probability in classes.items() if number > expected)
    if expected in classes:
        return _Odds(classes[expected], below, above)
    if classes and expected == 0 and count.empty is not None:
        return _Odds(empty, 0.0, above)
    if classes and expected > max(classes) and count.over_range is not None:
        return _Odds(0.0, below, 0.0, over_range)
    return None


def _reason(expected: int, count: BinCount, odds: _Odds) -> str:
    most, interval = max(count.probabilities), count.interval
    number = f"{interval.words()} counted ({interval.coverage:.0%})" if interval else f"{_number(count)} counted"
    if expected > most:
        chances = f"at least {odds.fewer:.0%} fewer, {odds.rest:.0%} more than {most} (exact number unknown)."
    else:
        chances = f"{odds.equal:.0%} as expected, {odds.fewer:.0%} fewer, {odds.more:.0%} more."
    return f"{expected} expected, {number}: {chances}"


def _number(count: BinCount) -> str:
    return number_text(count.count, count.at_least)


def _verdict(expected: int, count: BinCount, odds: _Odds, thresholds: Thresholds) -> Verdict:
    """The verdict that `odds` imply, or UNCERTAIN if the count or its interval contradicts it.

    A count of "6 or more" is never SHORT and never a MATCH. A variance is never called a match.
    """
    interval = count.interval
    if odds.fewer >= thresholds.variance:
        agrees = count.count is not None and count.count < expected and (not interval or interval.is_below(expected))
        return Verdict.SHORT if agrees else Verdict.UNCERTAIN
    if odds.more >= thresholds.variance:
        least = count.at_least if count.count is None else count.count
        agrees = least is not None and least > expected and (not interval or interval.is_above(expected))
        return Verdict.OVER if agrees else Verdict.UNCERTAIN
    if odds.equal >= thresholds.match and count.count == expected and (not interval or interval.holds(expected)):
        return Verdict.MATCH
    return Verdict.UNCERTAIN


def consignment_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict that needs attention first. PENDING for a consignment without lines."""
    present = set(verdicts)
    return next((verdict for verdict in Verdict if verdict in present), Verdict.PENDING)


def outdated(lines: Iterable[OrderLine], replaced_by: str = "") -> list[tuple[OrderLine, str]]:
    """The lines of one consignment that a newer file no longer has, each with the version of that file.

    A file that replaces a consignment stores its version on each of its lines, so lines that an older file adds later
    are withdrawn too. `replaced_by` is the version of such a file, which may have no lines.
    """
    lines = list(lines)
    newest = max([replaced_by, *(line.replace_version for line in lines)])
    return [(line, newest) for line in lines if line.order_version < newest and not _is_withdrawn(line, newest)]


def _is_withdrawn(line: OrderLine, version: str) -> bool:
    return line.verdict is Verdict.WITHDRAWN and line.replace_version >= version
