"""Order files: put where the stack imports them, and the report on what it took and refused."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bintally.adapters.order_files import MOST_BYTES, report_key
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bincli.deployments import Deployment
from bincli.errors import CommandError

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
    out.print(f"{report['accepted']:,} lines accepted, {len(report['refused']):,} rows refused.", highlight=False)
    if report["refused"]:
        out.print(refused_rows(report))


def refused_rows(report: Report) -> Table:
    """The refused rows as a table."""
    table = Table(box=None, pad_edge=False)
    table.add_column("Line", justify="right")
    table.add_column("Refused because")
    for row in report["refused"]:
        table.add_row(str(row["line"]), escape(row["reason"]))
    return table
