"""Import the valid rows of order files into the consignments table, and write a report."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo

from bintally.domain.objects import StoredObject
from bintally.domain.orders import OrderFile, Progress, ReceivedFile, parse_orders, refused_whole
from bintally.domain.times import iso
from bintally.domain.verdicts import outdated
from bintally.usecases.catalogue import with_catalogue
from bintally.usecases.ports import Dependencies, Orders

PART = 1_000  # lines, or consignments, between two writes of the report
MARGIN_SECONDS = 15.0  # left for a part that has begun, and for queueing the rest


@dataclass(frozen=True)
class ImportSummary:
    """What was imported of an order file so far. Not `is_finished`: time ran out, and another run does the rest."""

    accepted: int
    refused: int
    withdrawn: int
    report: str
    is_finished: bool = True


def import_orders(
    dependencies: Dependencies,
    received: ReceivedFile,
    *,
    source: StoredObject,
    now: datetime,
    zone: tzinfo = UTC,
    time_left: Callable[[], float] = lambda: math.inf,
) -> ImportSummary:
    """Import the good lines of the order file `source`. An older file never overwrites a newer one.

    A file replaces the consignments that it names: lines that only older files have are withdrawn. That is skipped for
    a file in mode `add`, and for one with refused rows, which may be the missing lines. `zone` is that of the site.

    Safe to repeat and to run concurrently: the same file gives the same lines. The report records the progress after
    each part. A run that is killed resumes from there, and so does one that ends because less than MARGIN_SECONDS of
    `time_left` (seconds) remain; each run does at least one part.
    """
    orders, reports = dependencies.orders, dependencies.reports
    file = refused_whole(received.fault) if received.fault else parse_orders(received.data, zone)
    file = with_catalogue(dependencies.catalogue, file)
    replaces = not received.adds and not file.refused_rows
    progress = _resume(reports.progress(source), hashlib.sha256(received.data).hexdigest())
    while True:
        progress = _import_part(file, source.order, replaces, progress, orders, iso(now))
        report = reports.write(source, file, received.adds, progress)
        if progress.is_done or time_left() < MARGIN_SECONDS:
            return ImportSummary(len(file.lines), file.refused_rows, progress.withdrawn, report, progress.is_done)


def _resume(progress: Progress | None, fingerprint: str) -> Progress:
    """Where an unfinished import of the same content stands; any other import starts from the beginning."""
    if progress is None or progress.is_done or progress.fingerprint != fingerprint:
        return Progress(fingerprint)
    return progress


def _import_part(
    file: OrderFile, version: str, replaces: bool, progress: Progress, orders: Orders, now: str
) -> Progress:
    """Do the next part: all lines first, then withdraw what their consignments no longer have."""
    replaced_by = version if replaces else ""
    written, checked, withdrawn = progress.written, progress.checked, progress.withdrawn
    consignments = file.consignments
    if lines := file.lines[written : written + PART]:
        orders.put([replace(line, order_version=version, replace_version=replaced_by) for line in lines], now)
        written += len(lines)
    elif unchecked := consignments[checked : checked + PART]:
        held = orders.of_consignments(unchecked)
        withdrawn += orders.withdraw([each for lines in held.values() for each in outdated(lines, replaced_by)], now)
        checked += len(unchecked)
    is_done = written == len(file.lines) and checked == len(consignments)
    return Progress(progress.fingerprint, written, checked, withdrawn, is_done)
