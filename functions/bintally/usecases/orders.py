"""Orders in: the good rows of a file into the consignments table, and a report on the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo

from bintally.domain.objects import StoredObject
from bintally.domain.orders import iso, parse_orders
from bintally.usecases.ports import Orders, Reports


@dataclass(frozen=True)
class Import:
    """What came of an order file: lines taken, rows refused, and where the report lies."""

    accepted: int
    refused: int
    report: str


def import_orders(
    data: bytes, *, source: StoredObject, orders: Orders, reports: Reports, now: datetime, zone: tzinfo = UTC
) -> Import:
    """Take the good lines of the order file `source`. An older file never overwrites a newer. `zone` is the site's.

    May be run again: the same file gives the same lines. The report is written last, when the lines stand.
    """
    file = parse_orders(data, zone)
    orders.put([replace(line, order_version=source.order) for line in file.lines], iso(now))
    report = reports.write(source, len(file.lines), file.refused)
    return Import(len(file.lines), len(file.refused), report)
