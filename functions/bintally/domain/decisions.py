"""Decisions: what people say about the photos of bins, beside the model's counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bintally.domain.audits import is_audit_of
from bintally.domain.bins import BinCount, HumanCount
from bintally.domain.canary import CONSIGNMENT
from bintally.domain.manifest import MAX_COUNT
from bintally.domain.names import CONTROL, LONE_SURROGATE
from bintally.domain.queue import SETTLED
from bintally.domain.verdicts import OrderLine, Verdict

MAX_TEXT = 100  # characters of an id, a name and a reason code
HUMAN, MODEL = "human", "model"


@dataclass(frozen=True)
class DecidedLine:
    """An order line as it was before the first decision about a photo of its bin.

    `audit`: the line was drawn at random to be checked.
    """

    consignment_id: str
    expected: int
    order_version: str
    verdict: Verdict
    audit: bool = False


@dataclass(frozen=True)
class Decision:
    """What a person says about one photo of a bin. It is never changed, only marked as undone, once.

    `count` is None if the person can't tell. `blind`: the person saw neither the expected number nor the model's count.
    `seconds` is how long the person looked. `selection_probability` is how probable it was that this photo was shown to
    a person (`selection_of`), or None if a person chose it. `lines` are those of the bin. `bin_revision` is the
    revision of the bin that shows the decision: the order of decisions about one photo, whatever the clocks say. It is
    0 if the bin had a newer photo already.
    """

    bin_id: str
    decision_id: str
    image_id: str
    who: str
    decided_at: str
    count: int | None
    blind: bool = False
    seconds: float | None = None
    reason_code: str = ""
    selection_probability: float | None = None
    lines: tuple[DecidedLine, ...] = ()
    bin_revision: int = 0
    undone_by: str = ""
    undone_at: str = ""

    @property
    def cannot_tell(self) -> bool:
        return self.count is None

    def says_the_same_as(self, other: Decision) -> bool:
        """Whether `other` is this decision, sent again."""
        return (self.bin_id, self.image_id, self.count) == (other.bin_id, other.image_id, other.count)


def fault_of(decision: Decision) -> str:
    """What is wrong with a decision, as a sentence, or "" if it is valid."""
    if decision.count is not None and not 0 <= decision.count <= MAX_COUNT:
        return f"A count of {decision.count} is not from 0 to {MAX_COUNT:,}."
    if decision.seconds is not None and not 0 <= decision.seconds <= 86_400:  # nor is NaN
        return f"{decision.seconds} seconds are not a time from 0 to a day."
    texts = {"id of the decision": decision.decision_id, "name of the person": decision.who}
    for name, text in {**texts, "reason code": decision.reason_code or "none"}.items():
        if not 0 < len(text) <= MAX_TEXT or CONTROL.search(text) or LONE_SURROGATE.search(text):
            return f"The {name} must have 1 to {MAX_TEXT} characters, and no control characters."
    return ""


def decided_lines(lines: Iterable[OrderLine], image_id: str, earlier: Sequence[Decision]) -> tuple[DecidedLine, ...]:
    """The lines that are still ordered, as a decision about an image keeps them.

    `earlier` are the decisions about the same image, the oldest first, also those that were undone. A line keeps the
    verdict that it had before the first of them: what it has now may be a person's.
    """
    known = {(line.consignment_id, line.expected): line for each in reversed(earlier) for line in each.lines}

    def decided(line: OrderLine) -> DecidedLine:
        facts = line.consignment_id, line.expected, line.order_version
        first = known.get(facts[:2])
        if first:
            return replace(first, order_version=line.order_version)
        return DecidedLine(*facts, line.verdict, is_audit_of(line, image_id))

    ordered = sorted((line for line in lines if line.verdict is not Verdict.WITHDRAWN), key=lambda line: line.key)
    return tuple(map(decided, ordered))


def selection_of(lines: Iterable[OrderLine], image_id: str, earlier: Sequence[Decision]) -> float | None:
    """How probable it was that a person is asked about an image. `lines` are those of its bin, judged by this image.

    1 if a verdict asks a person. Else, for an audit, the probability that at least one of the lines was drawn. None if
    nobody was asked: a person chose the photo. What happened after the first decision about the image says nothing.
    """
    if earlier:
        return earlier[0].selection_probability
    ordered = [line for line in lines if line.consignment_id != CONSIGNMENT]
    if any(line.verdict not in SETTLED for line in ordered):
        return 1.0
    matches = [line for line in ordered if line.verdict is Verdict.MATCH]
    shares = [line.audit_share for line in matches if line.audit_share and is_audit_of(line, image_id)]
    return 1 - (1 - max(shares)) ** len(matches) if shares else None


def standing(decisions: Iterable[Decision], image_id: str) -> Decision | None:
    """The last decision about an image that was not undone."""
    about = [each for each in decisions if each.image_id == image_id and not each.undone_by]
    return max(about, key=lambda each: (each.bin_revision, each.decided_at, each.decision_id), default=None)


def with_decisions(count: BinCount, decisions: Iterable[Decision]) -> BinCount:
    """The bin as it shows these decisions: those about its own image, and no others."""
    about = [each for each in decisions if each.image_id == count.image.image_id and not each.undone_by]
    last = standing(about, count.image.image_id)
    if last is None:
        return replace(count, human=None, source=MODEL)
    people = {each.who for each in about if each.count == last.count}
    human = HumanCount(last.decision_id, last.count, last.who, last.decided_at, len(people))
    return replace(count, human=human, source=MODEL if last.cannot_tell else HUMAN)
