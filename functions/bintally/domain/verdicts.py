"""Verdicts: what the counts say about order lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from enum import StrEnum

from bintally.domain.attention import Acceptance, Attention
from bintally.domain.bins import BinCount, BinStatus
from bintally.domain.cancellations import Cancellation
from bintally.domain.due import due_words
from bintally.domain.line_odds import odds_of, reason_of
from bintally.domain.risk import Odds, OrderPrior


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


MAX_MATCH_RISK, MIN_VARIANCE = 0.49, 0.5  # a line can't be a MATCH and a variance at the same time
MAX_AUDIT_SHARE = 0.5
NOT_COUNTED = "Not counted yet."
CANNOT_TELL = "A person could not tell the number from the photo. Take a new photo, or count at the bin."
NO_LONGER_ORDERED = "A newer order file of this consignment no longer has the line."
VARIANCES = frozenset({Verdict.SHORT, Verdict.OVER})
WAITING = frozenset({Verdict.PENDING, Verdict.UNCERTAIN, Verdict.UNREADABLE})  # reconciled again when due


@dataclass(frozen=True)
class VerdictRules:
    """What the verdicts need: MATCH a risk of at most `match_risk`, SHORT and OVER a probability of `variance`.

    `match_risk` is below 0.5, and `variance` at least 0.5. `prior` says how often and by how much orders are wrong.
    `audit_share` of the lines are audited, which changes no verdict.
    """

    match_risk: float
    variance: float
    prior: OrderPrior = field(default_factory=OrderPrior)
    audit_share: float = 0.0

    def __post_init__(self) -> None:
        """Raises ValueError for what template.yaml refuses too."""
        if not 0 <= self.match_risk <= MAX_MATCH_RISK:  # nor is NaN
            raise ValueError(f"a match risk of {self.match_risk} is not from 0 to {MAX_MATCH_RISK}")
        if not MIN_VARIANCE <= self.variance <= 1:
            raise ValueError(f"a variance threshold of {self.variance} is not from {MIN_VARIANCE} to 1")
        if not 0 <= self.audit_share <= MAX_AUDIT_SHARE:
            raise ValueError(f"an audit share of {self.audit_share} is not from 0 to {MAX_AUDIT_SHARE}")


@dataclass(frozen=True)
class OrderLine:
    """How many items of a bin a consignment expects. `due_at` is ISO 8601 in UTC, or None if there is no due time.

    `order_version` increases with each import. `bin_revision` is the bin revision that the verdict is based on.
    `counted`, `counted_at_least` and `odds` are those of the latest Finding. An `overdue` line is due and still
    MISSING, UNCERTAIN or UNREADABLE. `replace_version` is the version of the newest file known to have replaced the
    consignment, or "" if none has. `attention` is the line's place in the queue of the desk, None if it is in none.
    `audit_share` is the share of lines that were drawn for an audit together with this one; None if it was not drawn.
    `item_volume_l` is the mean volume of one of the items in litres, None if it is unknown, and `sku` names the item.
    `accepted` says who accepted a verdict on the line. A line that somebody
    `cancelled` is WITHDRAWN until it is restored.
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
    odds: Odds | None = None
    attention: Attention | None = None
    audit_share: float | None = None
    item_volume_l: float | None = None
    sku: str = ""
    accepted: Acceptance | None = None
    cancelled: Cancellation | None = None

    @property
    def risk(self) -> float | None:
        """The probability that the line is wrong; None if nothing is known."""
        return self.odds.risk if self.odds else None

    @property
    def audit(self) -> bool:
        """Whether a person should check the line, whatever its verdict."""
        return self.audit_share is not None

    @property
    def key(self) -> tuple[str, str]:
        return self.consignment_id, self.bin_id

    @property
    def terms(self) -> tuple[object, ...]:
        """What the order says. A line with other terms is judged again."""
        return self.expected, self.due_at, self.item_volume_l, self.sku


@dataclass(frozen=True)
class Finding:
    """A verdict, its reason in words, and the count that it is based on.

    `counted` is the bin's count. If the bin holds more than the model can count, `counted` is None and
    `counted_at_least` is the minimum. Both are None if there is no count. `odds` are those of the line, or None if the
    model can't tell. `attention` and `audit_share` are those of the line.
    """

    verdict: Verdict
    reason: str
    counted: int | None = None
    counted_at_least: int | None = None
    overdue: bool = False
    odds: Odds | None = None
    attention: Attention | None = None
    audit_share: float | None = None


def line_verdict(
    line: OrderLine, count: BinCount | None, *, now: str, rules: VerdictRules, zone: tzinfo = UTC
) -> Finding:
    """The verdict of one line. `now` is ISO 8601 in UTC. Reasons give due times in `zone`, the site's time zone."""
    finding = _counted_verdict(line, count, rules) if count else Finding(Verdict.PENDING, NOT_COUNTED)
    if not line.due_at or line.due_at > now or finding.verdict not in WAITING:
        return finding
    due = due_words(line.due_at, zone)
    if count is None:
        return Finding(Verdict.MISSING, f"Due by {due} and not counted.", overdue=True)
    return replace(finding, reason=f"{finding.reason.rstrip('.')}. Overdue: due by {due}.", overdue=True)


def _counted_verdict(line: OrderLine, count: BinCount, rules: VerdictRules) -> Finding:
    if count.human and count.human.count is not None:
        return _decided_verdict(line.expected, count.human.count)
    finding = _model_verdict(line, count, rules)
    if count.human and finding.verdict is not Verdict.UNREADABLE:
        return replace(finding, verdict=Verdict.UNCERTAIN, reason=CANNOT_TELL)
    return finding


def _decided_verdict(expected: int, counted: int) -> Finding:
    """A person's count is exact."""
    reason = f"{expected} expected, {counted} counted by a person."
    odds = Odds(float(counted < expected), float(counted > expected))
    verdict = Verdict.SHORT if odds.fewer else Verdict.OVER if odds.more else Verdict.MATCH
    return Finding(verdict, reason, counted, odds=odds)


def _model_verdict(line: OrderLine, count: BinCount, rules: VerdictRules) -> Finding:
    if count.status is BinStatus.UNREADABLE:
        return Finding(Verdict.UNREADABLE, f"The latest photo was not counted: {count.reason}")
    odds = odds_of(line.expected, count, rules.prior, line.item_volume_l)
    if odds is None:
        known = sorted(count.probabilities)
        span = f"from {known[0]} to {known[-1]}" if known else "without probabilities"
        reason = f"{line.expected} expected, but this model counts {span}, so a person must look."
        return Finding(Verdict.UNCERTAIN, reason, count.count, count.at_least)
    verdict = _verdict(line.expected, count, odds, rules)
    reason = reason_of(line.expected, count, odds, line.item_volume_l)
    return Finding(verdict, reason, count.count, count.at_least, odds=odds)


def _verdict(expected: int, count: BinCount, odds: Odds, rules: VerdictRules) -> Verdict:
    """The verdict that `odds` imply, or UNCERTAIN if the count or its interval contradicts it.

    A count of "6 or more" is never SHORT and never a MATCH.
    """
    interval = count.interval
    if odds.fewer >= rules.variance:
        agrees = count.count is not None and count.count < expected and (not interval or interval.is_below(expected))
        return Verdict.SHORT if agrees else Verdict.UNCERTAIN
    if odds.more >= rules.variance:
        least = count.at_least if count.count is None else count.count
        agrees = least is not None and least > expected and (not interval or interval.is_above(expected))
        return Verdict.OVER if agrees else Verdict.UNCERTAIN
    if odds.risk <= rules.match_risk and count.count == expected and (not interval or interval.holds(expected)):
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
