"""What is known of each bin, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from bintally.adapters.bins import DynamoBins
from bintally.adapters.consignments import DynamoOrders
from bintally.domain.bins import BinCount
from bintally.domain.intervals import number_text
from bintally.domain.names import normalised
from bintally.domain.verdicts import Verdict
from rich.console import Console
from rich.text import Text

from bincli.count_text import interval_text, shares_in
from bincli.deployment import Deployment
from bincli.errors import CommandError
from bincli.output import remark
from bincli.tables import Column, Table

BAR = 24  # characters that stand for a probability of 1
BARS = ("probabilities", "empty", "over_range")  # what is shown as bars


def show_bins(
    deployment: Deployment, bin_id: str | None, *, as_json: bool, out: Console, unordered: bool = False
) -> None:
    """Print every bin, or one in detail, or those that no order line names.

    Raises CommandError for a bin that nothing is known of.
    """
    table = DynamoBins(deployment.client("dynamodb"), deployment.output("BinsTable"))
    counts = table.all() if bin_id is None else list(table.read({bin_id, normalised(bin_id)}).values())
    if bin_id is not None and not counts:
        raise CommandError(
            f"No photograph of the bin {bin_id} has come in. `bintally bins` lists those that are known, "
            "and `bintally audit` says whether photos are still on their way."
        )
    counts = not_ordered(deployment, counts) if unordered else list(counts)
    if as_json:
        for count in counts:
            out.out(json.dumps(bin_record(count)), highlight=False)
    elif not counts and unordered:
        remark(out, "No bin without an order: order lines name every bin that has a photo.")
    elif not counts:
        remark(out, f"No bins yet. Upload a photo to s3://{deployment.output('IntakeBucket')}/BIN/photo.jpg.")
    else:
        (bins_table(counts) if bin_id is None else bin_details(counts[0])).show(out)


def not_ordered(deployment: Deployment, counts: Iterable[BinCount]) -> list[BinCount]:
    """Those bins that no line of any consignment names. Reads all order lines."""
    orders = DynamoOrders(deployment.client("dynamodb"), deployment.output("ConsignmentsTable"))
    ordered = {line.bin_id for line in orders.all() if line.verdict is not Verdict.WITHDRAWN}
    return [count for count in counts if count.bin_id not in ordered]


def bin_record(count: BinCount) -> dict[str, Any]:
    """One bin as the JSON that `bintally bins --json` prints."""
    return {
        "bin_id": count.bin_id,
        "status": str(count.status),
        "count": count.count,
        "at_least": count.at_least,
        "confidence": count.confidence,
        "probabilities": {str(number): share for number, share in sorted(count.probabilities.items())},
        "empty": count.empty,
        "over_range": count.over_range,
        "interval": count.interval.facts() if count.interval else None,
        "reason": count.reason,
        "code": count.code,
        "source": count.source,
        "model": count.model,
        "image": f"s3://{count.image.bucket}/{count.image.key}",
        "captured_at": count.image.captured_at,
    }


def bins_table(counts: Iterable[BinCount]) -> Table:
    """One row for each bin, in order of their ids."""
    counts = sorted(counts, key=lambda one: one.bin_id)
    told, refused = any(count.interval for count in counts), any(count.reason for count in counts)
    sure = [Column("Count", right=True), Column("Confidence", right=True), Column("Interval", folds=True)]
    reason = [Column("Not counted because", folds=True)] if refused else []
    shown = sure if told else sure[:2]
    table = Table([Column("Bin", folds=True), *shown, Column("Photo (UTC)"), *reason])
    for count in counts:
        number = number_text(count.count, count.at_least)
        confidence = "-" if count.confidence is None else f"{count.confidence:.0%}"
        photographed = count.image.captured_at[:16].replace("T", " ")
        sureness = [number, confidence, interval_text(count.interval) or "-"][: len(shown)]
        table.add(count.bin_id, *sureness, photographed, *([count.reason] if refused else []))
    return table


def bin_details(count: BinCount) -> Table:
    """Everything about one bin, a fact to a row, with the probability of each number of items as a bar."""
    table = Table([Column(""), Column("", folds=True)], header=False)
    record = bin_record(count)
    number = number_text(count.count, count.at_least)
    told = record | {"count": number, "at_least": None, "interval": interval_text(count.interval)}
    for name, value in told.items():
        if value not in (None, "") and name not in BARS:
            table.add(Text(name, "dim"), str(value))
    most = max(count.probabilities, default=0)
    for items, share in shares_in({name: value for name, value in record.items() if value is not None}).items():
        name = f"more than {most}" if items > most else str(items)
        table.add(Text(f"P({name})", "dim"), f"{'█' * round(share * BAR):{BAR}} {share:.0%}")
    return table
