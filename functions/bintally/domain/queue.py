"""The queue of the desk: which order lines wait for people, in which order, and who has which bin open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from bintally.domain.attention import Attention, Group
from bintally.domain.audits import draw
from bintally.domain.bins import BinCount
from bintally.domain.canary import CONSIGNMENT
from bintally.domain.verdicts import VARIANCES, Finding, OrderLine, Verdict

LEASE = timedelta(minutes=5)
HANDOVER = timedelta(seconds=10)  # what is left of a lease after the decision, where others look again
PHOTO_ADDRESS = timedelta(minutes=5)  # how long the address of a photo can be used
MAX_ITEMS = 20  # that one person has open at a time
NOT_DUE = "9999-12-31"  # the due day of a line without one
RISK_STEPS = 9999
AGREEING = 2  # people, where a count that differs from the order needs a second look
NO_PHOTO_TELLS = frozenset({Verdict.MISSING, Verdict.UNREADABLE})
PROBABLE_RISK = 0.5  # at most: then the order is rather right than wrong
SETTLED = frozenset({Verdict.MATCH, Verdict.PENDING, Verdict.WITHDRAWN})


@dataclass(frozen=True)
class Lease:
    """A bin that a person has open until a time (ISO 8601, UTC)."""

    bin_id: str
    who: str
    until: str

    def keeps_out(self, who: str, now: str) -> bool:
        """Whether `who` can't have the bin now."""
        return self.who != who and self.until >= now


def attention_of(
    line: OrderLine, finding: Finding, count: BinCount | None, zone: tzinfo, *, second_look: bool = False
) -> Attention | None:
    """The place of a line in the queue, or None if it waits for nobody. Days are those of `zone`.

    An audit that nobody has decided about is in it whatever its verdict. With `second_look`, two people have to agree
    on a count that differs from the order before somebody has to act.
    """
    if count is not None and line.accepted and line.accepted.bin_revision == count.revision:
        return None
    decided = count is not None and count.human is not None
    waits = finding.verdict not in SETTLED or (finding.verdict is Verdict.MATCH and finding.audit_share and not decided)
    if not waits or line.consignment_id == CONSIGNMENT:
        return None
    if second_look and decided and finding.verdict in VARIANCES and wants_second_look(count):
        return Attention(Group.LOOK, _rank(line.due_at, _risk(finding), zone))
    if decided or finding.verdict in NO_PHOTO_TELLS:
        return Attention(Group.ACT, _rank(line.due_at, _risk(finding), zone))
    return Attention(Group.LOOK, _rank(line.due_at, _position(line, finding, count), zone))


def wants_second_look(count: BinCount | None) -> bool:
    """Whether one person alone has said how many a photo shows."""
    return bool(count and count.human and count.human.count is not None and count.human.people < AGREEING)


def is_probable(line: OrderLine) -> bool:
    """Whether the model counted what this line expects, but not surely enough to settle it. An audit never is.

    The risk alone does not say so: where the order is far from what the photo shows, no number near the order explains
    the photo better than another.
    """
    return (
        line.verdict is Verdict.UNCERTAIN
        and line.counted == line.expected
        and line.audit_share is None
        and line.odds is not None
        and line.odds.risk <= PROBABLE_RISK
    )


def _position(line: OrderLine, finding: Finding, count: BinCount | None) -> float:
    """The risk, but of an audit a random number: its place must not tell what the model thinks of it.

    Nor may risky audits be decided first, because the figures of audits are right only for a random choice of them.
    """
    if count is None or not finding.audit_share:
        return _risk(finding)
    return draw(line, count.image.image_id) / finding.audit_share


def _risk(finding: Finding) -> float:
    return finding.odds.risk if finding.odds else 1.0  # nobody knows


def _rank(due_at: str | None, risk: float, zone: tzinfo) -> str:
    day = datetime.fromisoformat(due_at).astimezone(zone).date().isoformat() if due_at else NOT_DUE
    return f"{day}#{RISK_STEPS - round(risk * RISK_STEPS):04}"
