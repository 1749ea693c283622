"""Verdicts: what the counts say of an order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bintally.domain.bins import BinCount, BinStatus
from bintally.domain.intervals import Interval


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
    """A verdict with its reason in words, and the count it rests on: 0 where the bin is most probably empty."""

    verdict: Verdict
    reason: str
    counted: int | None = None


def line_verdict(line: OrderLine, count: BinCount | None, *, now: str, thresholds: Thresholds) -> Finding:
    """The verdict of one line. `now` is ISO 8601 in UTC."""
    if count is None:
        return _not_counted(line, now)
    if count.status is BinStatus.UNREADABLE or count.count is None:
        return Finding(Verdict.UNREADABLE, f"The latest photograph was not counted: {count.reason}")
    odds = _odds(line.expected, count)
    if odds is None:
        known = sorted(count.probabilities)
        span = f"from {known[0]} to {known[-1]}" if known else "without probabilities"
        reason = f"{line.expected} expected, but this model counts {span}; a person has to look."
        return Finding(Verdict.UNCERTAIN, reason, count.count)
    return _compare(line.expected, count, odds, thresholds)


def _not_counted(line: OrderLine, now: str) -> Finding:
    if line.due_at and line.due_at <= now:
        return Finding(Verdict.MISSING, f"Due {line.due_at} and not counted.")
    return Finding(Verdict.PENDING, NOT_COUNTED)


@dataclass(frozen=True)
class _Odds:
    """The probabilities that a bin holds what is expected of it, fewer, and more.

    Of a number above those that the model counts, `fewer` is at least so much, and `rest` may be fewer, equal or more.
    """

    equal: float
    fewer: float
    more: float
    rest: float = 0.0


def _odds(expected: int, count: BinCount) -> _Odds | None:
    """None for a number that the model has no output for."""
    shares, empty, fuller = count.shares, count.empty or 0.0, count.fuller or 0.0
    below = empty + sum(share for number, share in shares.items() if number < expected)
    above = fuller + sum(share for number, share in shares.items() if number > expected)
    if expected in shares:
        return _Odds(shares[expected], below, above)
    if shares and expected == 0 and count.empty is not None:
        return _Odds(empty, 0.0, above)
    if shares and expected > max(shares) and count.fuller is not None:
        return _Odds(0.0, below, 0.0, fuller)
    return None


def _compare(expected: int, count: BinCount, odds: _Odds, thresholds: Thresholds) -> Finding:
    counted, most = _counted(count), max(count.probabilities)
    reached = f"{count.interval.words(most)} counted ({count.interval.coverage:.0%})" if count.interval else ""
    reason = f"{expected} expected, {reached or f'{counted} counted'}: "
    if expected > most:
        reason += f"at least {odds.fewer:.0%} fewer, {odds.rest:.0%} more than {most}, which are not told apart."
    else:
        reason += f"{odds.equal:.0%} as expected, {odds.fewer:.0%} fewer, {odds.more:.0%} more."
    return Finding(_verdict(expected, counted, odds, count.interval, most, thresholds), reason, counted)


def _verdict(
    expected: int, counted: int | None, odds: _Odds, interval: Interval | None, most: int, thresholds: Thresholds
) -> Verdict:
    """What `odds` say, unless the interval says otherwise: then a person looks. A variance is never called a match."""
    place = min(expected, most + 1)
    if odds.fewer >= thresholds.variance:
        return Verdict.SHORT if interval is None or interval.high < place else Verdict.UNCERTAIN
    if odds.more >= thresholds.variance:
        return Verdict.OVER if interval is None or interval.low > place else Verdict.UNCERTAIN
    if odds.equal >= thresholds.match and counted == expected and (interval is None or interval.holds(expected, most)):
        return Verdict.MATCH
    return Verdict.UNCERTAIN


def _counted(count: BinCount) -> int | None:
    """The model's count, but 0 where an empty bin is more probable than anything else."""
    if count.empty is not None and count.empty > max(*count.shares.values(), count.fuller or 0.0):
        return 0
    return count.count


def consignment_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict that needs attention first. A consignment without lines is PENDING."""
    present = set(verdicts)
    return next((verdict for verdict in Verdict if verdict in present), Verdict.PENDING)
