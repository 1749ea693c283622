"""Adjustments: what people counted where orders expect another number, as a warehouse system takes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bintally.domain.decisions import Decision, standing


@dataclass(frozen=True)
class Adjustment:
    """A difference that a person counted. `difference` is counted less expected."""

    bin_id: str
    consignment_id: str
    counted: int
    expected: int
    difference: int
    reason: str
    who: str
    when: str


def adjustments(decisions: Sequence[Decision]) -> list[Adjustment]:
    """Those of the last decision about each photo that stands, in the order of the decisions."""
    return [each for decision in _last_of_each_image(decisions) for each in _of_decision(decision)]


def _last_of_each_image(decisions: Sequence[Decision]) -> Iterable[Decision]:
    by_image: dict[str, list[Decision]] = {}
    for each in decisions:
        by_image.setdefault(each.image_id, []).append(each)
    last = {image_id: standing(about, image_id) for image_id, about in by_image.items()}
    return [each for each in decisions if last[each.image_id] is each]


def _of_decision(decision: Decision) -> Iterator[Adjustment]:
    if decision.count is None:
        return
    for line in decision.lines:
        if difference := decision.count - line.expected:
            numbers = (decision.count, line.expected, difference)
            decided = (decision.reason_code, decision.who, decision.decided_at)
            yield Adjustment(decision.bin_id, line.consignment_id, *numbers, *decided)
