"""The order lines that wait for people, page by page, worst first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from bintally.domain.attention import Group
from bintally.domain.consignments import WaitingConsignment, waiting_by_consignment
from bintally.domain.verdicts import OrderLine

PER_READ = 100  # lines that are read at a time

# Where a page ends: the rank of its last line, and the line's key.
Place = tuple[str, str, str]


class WaitingLines(Protocol):
    """The consignments table."""

    def queued(self, group: Group, after: Place | None = None) -> Iterable[tuple[str, str]]:
        """The keys of the lines of a group behind a place, in the order of their rank, a few seconds old."""

    def read(self, keys: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], OrderLine]:
        """The lines with these (consignment id, bin id), by that key; strongly consistent."""


@dataclass(frozen=True)
class LinesPage:
    """Some lines, and the place behind which the next page begins; None if this is the last one."""

    lines: tuple[OrderLine, ...]
    end: Place | None


def waiting_lines(
    orders: WaitingLines, group: Group, accepts: Callable[[OrderLine], bool], limit: int, after: Place | None = None
) -> LinesPage:
    """At most `limit` lines of a group that `accepts` takes. A line that has just left the group is left out."""
    keys = iter(orders.queued(group, after))
    found: list[OrderLine] = []
    while len(found) <= limit and (part := list(islice(keys, PER_READ))):
        lines = orders.read(part)
        waiting = (lines[key] for key in part if key in lines and is_in(lines[key], group))
        found += [line for line in waiting if accepts(line)]
    page = found[:limit]
    return LinesPage(tuple(page), _place(page[-1]) if len(found) > limit else None)


def waiting_consignments(orders: WaitingLines, limit: int) -> tuple[list[WaitingConsignment], bool]:
    """The consignments of at most `limit` lines of each group, and whether these are all lines that wait.

    Costs as much as that many lines of the queue: there is no index of consignments.
    """
    pages = [waiting_lines(orders, group, lambda _: True, limit) for group in Group]
    found = waiting_by_consignment(line for page in pages for line in page.lines)
    return found, all(page.end is None for page in pages)


def is_in(line: OrderLine, group: Group) -> bool:
    return line.attention is not None and line.attention.group is group


def _place(line: OrderLine) -> Place:
    return line.attention.rank if line.attention else "", line.consignment_id, line.bin_id
