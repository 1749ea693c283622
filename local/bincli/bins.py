"""What is known of each bin, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from bintally.adapters.bins import DynamoBins
from bintally.domain.bins import BinCount
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bincli.deployments import Deployment
from bincli.errors import CommandError

BAR = 24  # characters that stand for a probability of 1


def show_bins(deployment: Deployment, bin_id: str | None, *, as_json: bool, out: Console) -> None:
    """Print every bin, or one in detail. Raises CommandError for a bin that nothing is known of."""
    table = DynamoBins(deployment.client("dynamodb"), deployment.output("BinsTable"))
    counts = table.all() if bin_id is None else list(table.read([bin_id]).values())
    if bin_id is not None and not counts:
        raise CommandError(f"No photograph of the bin {bin_id} has come in.")
    if as_json:
        for count in counts:
            out.out(json.dumps(bin_record(count)), highlight=False)
    else:
        out.print(bins_table(counts) if bin_id is None else bin_details(next(iter(counts))))


def bin_record(count: BinCount) -> dict[str, Any]:
    """One bin as the JSON that `bintally bins --json` prints."""
    return {
        "bin_id": count.bin_id,
        "status": str(count.status),
        "count": count.count,
        "confidence": count.confidence,
        "probabilities": {str(number): share for number, share in sorted(count.probabilities.items())},
        "reason": count.reason,
        "source": count.source,
        "model": count.model,
        "image": f"s3://{count.image.bucket}/{count.image.key}",
        "captured_at": count.image.captured_at,
    }


def bins_table(counts: Iterable[BinCount]) -> Table:
    """One row for each bin, in order of their ids."""
    table = Table(box=None, pad_edge=False)
    table.add_column("Bin", overflow="fold")
    table.add_column("Count", justify="right")
    table.add_column("Confidence", justify="right")
    table.add_column("Photographed (UTC)")
    table.add_column("Not counted because", overflow="fold")
    for count in sorted(counts, key=lambda one: one.bin_id):
        number = "-" if count.count is None else str(count.count)
        confidence = "-" if count.confidence is None else f"{count.confidence:.0%}"
        photographed = count.image.captured_at[:16].replace("T", " ")
        table.add_row(escape(count.bin_id), number, confidence, photographed, escape(count.reason))
    return table


def bin_details(count: BinCount) -> Table:
    """Everything about one bin, a fact to a row, with the probability of each count as a bar."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in bin_record(count).items():
        if name != "probabilities" and value not in (None, ""):
            table.add_row(name, escape(str(value)))
    for number, share in sorted(count.probabilities.items()):
        table.add_row(f"P({number})", f"{'█' * round(share * BAR):{BAR}} {share:.0%}")
    return table
