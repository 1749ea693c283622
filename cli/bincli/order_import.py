"""Order files and the catalogue: uploaded to the bucket that the stack imports from, and what was accepted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bintally.domain.order_rows import MAX_BYTES, too_large

from bincli.deployment import Deployment
from bincli.errors import CommandError
from bincli.progress import ProgressCallback
from bincli.text import quantity

POLL_SECONDS = 0.5
Report = Mapping[str, Any]


def read_order_file(path: Path) -> bytes:
    """The bytes of an order file or catalogue. Raises CommandError for a file that the importer would refuse."""
    with path.open("rb") as file:  # a pipe has no size, and /dev/zero has no end
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise CommandError(f"{path}: {too_large(max(path.stat().st_size, len(data)))}")
    return data


def import_orders(
    deployment: Deployment,
    key: str,
    data: bytes,
    *,
    timeout: float,
    add: bool = False,
    on_progress: ProgressCallback | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """Upload the order file `key` and wait for the import report of this version.

    With `add` it replaces no consignment. `on_progress` gets the steps of the import. Raises CommandError after
    `timeout` seconds without progress.
    """
    from bintally.adapters.order_files import ADD, MODE, REPLACE, report_key

    metadata = {MODE: ADD if add else REPLACE}
    s3, bucket = deployment.s3, deployment.output("OrdersBucket")
    uploaded = s3.put_object(Bucket=bucket, Key=key, Body=data, Metadata=metadata)
    location = (deployment.output("JobsBucket"), report_key(key, uploaded["VersionId"]))
    left, steps = timeout, 0
    while left > 0:
        report = _report(s3, *location)
        if report:
            before, steps = steps, report["written"] + report["checked"]
            if on_progress:
                on_progress(steps, report["accepted"] + report["consignments"])
            if report["state"] == "done":
                return report
            left = timeout if steps > before else left
        sleep(POLL_SECONDS)
        left -= POLL_SECONDS
    progress = f"{steps:,} steps of its import are done" if steps else "there is no report on its import"
    raise CommandError(
        f"{key} is in the orders bucket, but after {timeout:g} s without progress, {progress}. "
        "It may just be late. If not, see the log of the orders function and its dead-letter queue."
    )


def upload_catalogue(deployment: Deployment, data: bytes) -> Mapping[str, Any]:
    """Check a catalogue and upload it, unless no row is valid; what was found, as the stack will report it."""
    from bintally.domain.catalogue import CATALOGUE_KEY, parse_catalogue

    catalogue, bucket = parse_catalogue(data), deployment.output("OrdersBucket")
    if catalogue.volumes:
        deployment.s3.put_object(Bucket=bucket, Key=CATALOGUE_KEY, Body=data)
    location = f"s3://{bucket}/{CATALOGUE_KEY}" if catalogue.volumes else None
    refused = [asdict(row) for row in catalogue.refused]
    return {
        "items": len(catalogue.volumes),
        "refused_rows": catalogue.refused_rows,
        "refused": refused,
        "location": location,
    }


def _report(s3: Any, bucket: str, key: str) -> Report | None:
    try:
        answer = s3.get_object(Bucket=bucket, Key=key)
    except s3.exceptions.NoSuchKey:
        return None
    return dict(json.loads(answer["Body"].read()))


def counts_text(report: Report) -> str:
    """How much of the file was accepted, in a sentence or two."""
    text = f"{quantity(report['accepted'], 'line')} accepted, {quantity(report['refused_rows'], 'row')} refused."
    if not report["accepted"] and not report["refused_rows"] and not report["withdrawn"]:
        text = "The file has no order lines: nothing was imported."
    if report["withdrawn"]:
        gone = quantity(report["withdrawn"], "older line")
        text += f" {gone} withdrawn that the file no longer has; use --add to keep such lines."
    elif report["mode"] == "replace" and report["refused_rows"] and report["accepted"]:
        text += " No older line was withdrawn, because rows were refused: correct them and import the file again."
    if unknown := report.get("without_volume"):  # not in reports of older stacks
        text += f" {quantity(unknown, 'line')} with a SKU that the catalogue does not have: no volume."
    return text
