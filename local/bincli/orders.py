"""Order files: put where the stack imports them, and the report on what it took and refused."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bintally.adapters.order_files import MOST_BYTES, report_key
from rich.console import Console

from bincli.deployments import Deployment
from bincli.errors import CommandError
from bincli.screen import quantity, say
from bincli.tables import Column, Table

POLL_SECONDS = 0.5
Report = Mapping[str, Any]


def read_order_file(path: Path) -> bytes:
    """The file's bytes. Raises CommandError for a file that the importer would not take."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise CommandError(f"{path} has {size:,} bytes; an orders file may have {MOST_BYTES:,}. Split it.")
    return path.read_bytes()


def import_orders(
    deployment: Deployment, key: str, data: bytes, *, patience: float, sleep: Callable[[float], None] = time.sleep
) -> Report:
    """Put the order file `key` and wait for the report on this very version: `accepted` and `refused` rows.

    Raises CommandError when there is none after `patience` seconds.
    """
    s3 = deployment.client("s3")
    put = s3.put_object(Bucket=deployment.output("OrdersBucket"), Key=key, Body=data)
    for _ in range(int(patience / POLL_SECONDS)):
        report = _report(s3, deployment.output("JobsBucket"), key)
        if report and report["version_id"] == put.get("VersionId"):
            return report
        sleep(POLL_SECONDS)
    raise CommandError(
        f"{key} is in the orders bucket, but after {patience:g} s there is no report on its import. "
        "It may only be late; if not, the log of the orders function and its dead-letter queue say why."
    )


def _report(s3: Any, bucket: str, key: str) -> Report | None:
    try:
        answer = s3.get_object(Bucket=bucket, Key=report_key(key))
    except s3.exceptions.NoSuchKey:
        return None
    return dict(json.loads(answer["Body"].read()))


def show_report(report: Report, *, as_json: bool, out: Console) -> None:
    """Print how many lines were accepted, and each refused row with its reason."""
    if as_json:
        out.out(json.dumps(report), highlight=False)
        return
    say(out, counts_text(report))
    if report["refused"]:
        refused_rows(report).show(out)


def counts_text(report: Report) -> str:
    """How much of the file was taken, in a sentence."""
    return f"{quantity(report['accepted'], 'line')} accepted, {quantity(len(report['refused']), 'row')} refused."


def refused_rows(report: Report) -> Table:
    """The refused rows as a table."""
    table = Table([Column("Line", right=True), Column("Refused because", folds=True)])
    for row in report["refused"]:
        table.add(str(row["line"]), str(row["reason"]))
    return table
