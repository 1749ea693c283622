"""Order files: uploaded to where the stack imports them, and the report on what it took and refused."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bintally.adapters.order_files import ADD, MODE, REPLACE, report_key
from bintally.domain.order_rows import MOST_BYTES, too_large
from rich.console import Console

from bincli.deployment import Deployment
from bincli.errors import CommandError
from bincli.options import NOT_ALL
from bincli.output import quantity, say
from bincli.tables import Column, Table

POLL_SECONDS = 0.5
NOTHING_READABLE = 2  # exit code
Report = Mapping[str, Any]


def read_order_file(path: Path) -> bytes:
    """The file's bytes. Raises CommandError for a file that the importer would not take."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise CommandError(f"{path}: {too_large(size)}")
    return path.read_bytes()


def import_orders(
    deployment: Deployment,
    key: str,
    data: bytes,
    *,
    patience: float,
    adds: bool = False,
    on_progress: Callable[[int, int], object] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """Upload the order file `key` and wait for the report on this very version.

    `adds`: it replaces no consignment. Calls `on_progress` with how many steps of the import are done, and of how many.
    Raises CommandError when nothing has moved for `patience` seconds.
    """
    s3 = deployment.client("s3")
    metadata = {MODE: ADD if adds else REPLACE}
    put = s3.put_object(Bucket=deployment.output("OrdersBucket"), Key=key, Body=data, Metadata=metadata)
    place = (deployment.output("JobsBucket"), report_key(key, put["VersionId"]))
    left, steps = patience, 0
    while left > 0:
        report = _report(s3, *place)
        if report:
            before, steps = steps, report["written"] + report["checked"]
            if on_progress:
                on_progress(steps, report["accepted"] + report["consignments"])
            if report["state"] == "done":
                return report
            left = patience if steps > before else left
        sleep(POLL_SECONDS)
        left -= POLL_SECONDS
    how_far = f"{steps:,} steps of its import are done" if steps else "there is no report on its import"
    raise CommandError(
        f"{key} is in the orders bucket, but after {patience:g} s without progress, {how_far}. "
        "It may only be late; if not, the log of the orders function and its dead-letter queue say why."
    )


def _report(s3: Any, bucket: str, key: str) -> Report | None:
    try:
        answer = s3.get_object(Bucket=bucket, Key=key)
    except s3.exceptions.NoSuchKey:
        return None
    return dict(json.loads(answer["Body"].read()))


def exit_code(report: Report) -> int:
    """0: all good. NOT_ALL: some rows were refused. NOTHING_READABLE: nothing in the file could be taken."""
    if not report["accepted"] and not report["withdrawn"]:
        return NOTHING_READABLE
    return NOT_ALL if report["refused_rows"] else 0


def show_report(report: Report, *, as_json: bool, out: Console) -> None:
    """Print how many lines were accepted, and each refused row with its reason."""
    if as_json:
        out.out(json.dumps(report), highlight=False)
        return
    say(out, counts_text(report))
    if report["changed_ids"]:
        say(out, _changed_ids(report))
    if report["refused"]:
        refused_rows(report).show(out)
    if unlisted := report["refused_rows"] - len(report["refused"]):
        say(out, f"and {quantity(unlisted, 'more row')}.")


def counts_text(report: Report) -> str:
    """How much of the file was taken, in a sentence."""
    text = f"{quantity(report['accepted'], 'line')} accepted, {quantity(report['refused_rows'], 'row')} refused."
    if not report["accepted"] and not report["refused_rows"] and not report["withdrawn"]:
        text = "The file has no order lines: nothing was imported."
    if report["withdrawn"]:
        gone = quantity(report["withdrawn"], "older line")
        text += f" {gone} withdrawn that the file no longer has; use --add to keep such lines."
    elif report["mode"] == REPLACE and report["refused_rows"] and report["accepted"]:
        text += " No older line was withdrawn, because rows were refused: correct them and import the file again."
    return text


def _changed_ids(report: Report) -> str:
    first = report["changed"][0]
    change = f"{first['written']!a} to {first['taken']!a}"  # the two often look the same
    ids = quantity(report["changed_ids"], "id")
    return f"{ids} normalised (no outer spaces, Unicode NFC), the first on line {first['line']}: {change}."


def refused_rows(report: Report) -> Table:
    """The refused rows as a table."""
    table = Table([Column("Line", right=True), Column("Refused because", folds=True)])
    for row in report["refused"]:
        table.add(str(row["line"]), str(row["reason"]))
    return table
