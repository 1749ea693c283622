"""Orders in: the good rows of a file into the consignments table, and a report on the rest."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo

from bintally.domain.objects import StoredObject
from bintally.domain.orders import OrderFile, Progress, ReceivedFile, iso, parse_orders, refused_whole
from bintally.domain.verdicts import outdated
from bintally.usecases.ports import Orders, Reports

PART = 1_000  # lines, or consignments, between two notes of how far the import is
MARGIN_SECONDS = 15.0  # left for a part that has begun, and for handing the rest on


@dataclass(frozen=True)
class ImportSummary:
    """What came of an order file so far. Not `is_finished`: the time was up, and a further run does the rest."""

    accepted: int
    refused: int
    withdrawn: int
    report: str
    is_finished: bool = True


def import_orders(
    received: ReceivedFile,
    *,
    source: StoredObject,
    orders: Orders,
    reports: Reports,
    now: datetime,
    zone: tzinfo = UTC,
    time_left: Callable[[], float] = lambda: math.inf,
) -> ImportSummary:
    """Take the good lines of the order file `source`. An older file never overwrites a newer. `zone` is the site's.

    A file replaces the consignments that it names: lines that only older files have are withdrawn. Not one that adds,
    and not one with refused rows, for these may be the lines that seem to be gone.

    May be run again, also beside itself: the same file gives the same lines. After each part the report says how far
    the import is. A run that is killed is continued from there, and so is one that ends by itself because only
    MARGIN_SECONDS of `time_left` (seconds) remain; each run does at least one part.
    """
    file = refused_whole(received.fault) if received.fault else parse_orders(received.data, zone)
    replaces = not received.adds and not file.refused_rows
    progress = _resumed(reports.progress(source), hashlib.sha256(received.data).hexdigest())
    while True:
        progress = _part(file, source.order, replaces, progress, orders, iso(now))
        report = reports.write(source, file, received.adds, progress)
        if progress.is_done or time_left() < MARGIN_SECONDS:
            return ImportSummary(len(file.lines), file.refused_rows, progress.withdrawn, report, progress.is_done)


def _resumed(progress: Progress | None, fingerprint: str) -> Progress:
    """Where an unfinished import of this very content stands; a finished one is made again from the start."""
    if progress is None or progress.is_done or progress.fingerprint != fingerprint:
        return Progress(fingerprint)
    return progress


def _part(file: OrderFile, version: str, replaces: bool, progress: Progress, orders: Orders, now: str) -> Progress:
    """Do the next part: lines first, and once all are written, what their consignments no longer have."""
    replaced_by = version if replaces else ""
    written, checked, withdrawn = progress.written, progress.checked, progress.withdrawn
    consignments = file.consignments
    if part := file.lines[written : written + PART]:
        orders.put([replace(line, order_version=version, replace_version=replaced_by) for line in part], now)
        written += len(part)
    elif some := consignments[checked : checked + PART]:
        held = orders.of_consignments(some)
        withdrawn += orders.withdraw([each for lines in held.values() for each in outdated(lines, replaced_by)], now)
        checked += len(some)
    is_done = written == len(file.lines) and checked == len(consignments)
    return Progress(progress.fingerprint, written, checked, withdrawn, is_done)
