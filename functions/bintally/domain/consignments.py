"""The consignments whose lines wait for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bintally.domain.attention import Group
from bintally.domain.verdicts import OrderLine, Verdict, consignment_verdict


@dataclass(frozen=True)
class WaitingConsignment:
    """A consignment and how many of its lines wait. `verdict` is the worst of these, `risk` the highest.

    `due_at` is when the first of them is due, None if none has a due time.
    """

    consignment_id: str
    verdict: Verdict
    look: int
    act: int
    due_at: str | None
    overdue: bool
    risk: float


def waiting_by_consignment(lines: Iterable[OrderLine]) -> list[WaitingConsignment]:
    """The consignments of lines that wait: the first due day first, then the one with the riskiest line."""
    groups: dict[str, list[OrderLine]] = {}
    for line in sorted(lines, key=_rank):
        groups.setdefault(line.consignment_id, []).append(line)
    return [_summary(consignment_id, found) for consignment_id, found in groups.items()]


def _rank(line: OrderLine) -> tuple[str, str, str]:
    return line.attention.rank if line.attention else "", line.consignment_id, line.bin_id


def _summary(consignment_id: str, lines: list[OrderLine]) -> WaitingConsignment:
    act = sum(line.attention is not None and line.attention.group is Group.ACT for line in lines)
    risks = [1.0 if line.risk is None else line.risk for line in lines]  # nobody knows: as in the queue
    return WaitingConsignment(
        consignment_id=consignment_id,
        verdict=consignment_verdict(line.verdict for line in lines),
        look=len(lines) - act,
        act=act,
        due_at=min((line.due_at for line in lines if line.due_at), default=None),
        overdue=any(line.overdue for line in lines),
        risk=max(risks),
    )
