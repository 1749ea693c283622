"""Decisions: what people say about the photos of bins, beside the model's counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bintally.domain.bins import BinCount, HumanCount
from bintally.domain.manifest import MAX_COUNT
from bintally.domain.names import CONTROL, LONE_SURROGATE
from bintally.domain.verdicts import OrderLine, Verdict

MAX_TEXT = 100  # characters of an id, a name and a reason code
HUMAN, MODEL = "human", "model"


@dataclass(frozen=True)
class DecidedLine:
    """An order line as it was before a decision about its bin."""

    consignment_id: str
    expected: int
    order_version: str
    verdict: Verdict


@dataclass(frozen=True)
class Decision:
    """What a person says about one photo of a bin. It is never changed, only marked as undone, once.

    `count` is None if the person can't tell. `blind`: the person saw neither the expected number nor the model's count.
    `seconds` is how long the person looked. `selection_probability` is how probable it was that this photo was shown to
    a person, or None if a person chose it. `lines` are those of the bin. `bin_revision` is the revision of the bin that
    shows the decision: the order of decisions about one photo, whatever the clocks say. It is 0 if the bin had a newer
    photo already.
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


def decided_lines(lines: Iterable[OrderLine]) -> tuple[DecidedLine, ...]:
    """The lines that are still ordered, as a decision keeps them."""
    ordered = sorted((line for line in lines if line.verdict is not Verdict.WITHDRAWN), key=lambda line: line.key)
    return tuple(DecidedLine(line.consignment_id, line.expected, line.order_version, line.verdict) for line in ordered)


def standing(decisions: Iterable[Decision], image_id: str) -> Decision | None:
    """The last decision about an image that was not undone."""
    about = [each for each in decisions if each.image_id == image_id and not each.undone_by]
    return max(about, key=lambda each: (each.bin_revision, each.decided_at, each.decision_id), default=None)


def with_decisions(count: BinCount, decisions: Iterable[Decision]) -> BinCount:
    """The bin as it shows these decisions: those about its own image, and no others."""
    last = standing(decisions, count.image.image_id)
    if last is None:
        return replace(count, human=None, source=MODEL)
    human = HumanCount(last.decision_id, last.count, last.who, last.decided_at)
    return replace(count, human=human, source=MODEL if last.cannot_tell else HUMAN)
