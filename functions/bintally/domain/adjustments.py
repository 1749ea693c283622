"""Adjustments: what people counted where orders expect another number, as a warehouse system takes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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


def adjustments(decisions: Iterable[Decision]) -> list[Adjustment]:
    """Those of the last decision about each photo that stands, the oldest first."""
    last: dict[str, Decision] = {}
    for each in decisions:
        held = last.get(each.image_id)
        found = standing((held, each) if held else (each,), each.image_id)
        if found:
            last[each.image_id] = found
    in_order = sorted(last.values(), key=lambda each: (each.decided_at, each.decision_id))
    return [adjustment for decision in in_order for adjustment in _of_decision(decision)]


def _of_decision(decision: Decision) -> Iterator[Adjustment]:
    if decision.count is None:
        return
    for line in decision.lines:
        if difference := decision.count - line.expected:
            numbers = (decision.count, line.expected, difference)
            decided = (decision.reason_code, decision.who, decision.decided_at)
            yield Adjustment(decision.bin_id, line.consignment_id, *numbers, *decided)
