"""Changes that may affect the verdicts of order lines."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Changes:
    """What changed: bins with a new count, imported lines as (consignment id, bin id), and whole consignments.

    `judged` are consignments in which a line has a new verdict, so they may be complete now. `overdue` asks for all
    lines that have become due.
    """

    bins: Collection[str] = ()
    lines: Collection[tuple[str, str]] = ()
    consignments: Collection[str] = ()
    judged: Collection[str] = ()
    overdue: bool = False
