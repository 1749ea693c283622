"""Changes that may give order lines another verdict."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Changes:
    """What changed: bins with a new count, imported lines as (consignment id, bin id), and whole consignments.

    `judged` are consignments in which a line got another verdict, so that they may be complete now. `overdue`: time has
    passed, so lines may have become due.
    """

    bins: Collection[str] = ()
    lines: Collection[tuple[str, str]] = ()
    consignments: Collection[str] = ()
    judged: Collection[str] = ()
    overdue: bool = False
