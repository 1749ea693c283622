"""`bintally bins`: the latest count of each bin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from bintally.domain.bins import BinCount, HumanCount
from bintally.domain.intervals import number_text
from bintally.domain.names import normalised
from bintally.domain.verdicts import Verdict

from bincli.count_text import confidence_text, count_probabilities, interval_text, minute_text, volume_text
from bincli.deployment import Deployment, open_deployment
from bincli.errors import CommandError, exit_on_error
from bincli.options import Json, Profile, Region, Stack
from bincli.output import Block, Note, Output, Record
from bincli.tables import Column, Table
from bincli.text import Styled

BAR_WIDTH = 24  # characters for a probability of 1
SHOWN_AS_BARS = ("probabilities", "empty", "over_range")


def bins(
    bin_id: Annotated[str | None, typer.Argument(metavar="BIN", help="One bin. Default: every bin.")] = None,
    unordered: Annotated[
        bool, typer.Option("--unordered", help="Only bins that no order line names. Reads both tables in full.")
    ] = False,
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Show the latest count of each bin.

    Reads the bins table. A count is 0 to 5, or 6+ for more than 5. With
    --json, one line for each bin; for 6+, "count" is null and "at_least"
    is 6.

    \b
    Exit codes: 0 shown, 1 BIN is unknown or the stack can't be read.

    \b
    Examples:
      bintally bins
      bintally bins P-17-C                with the probability of each count
      bintally bins --unordered           with a photo, but not ordered
      bintally bins --stack prod --json
    """
    if bin_id is not None and unordered:
        raise typer.BadParameter("--unordered lists bins: leave BIN out.")
    output = Output.standard(as_json)
    with exit_on_error():
        show_bins(open_deployment(stack, region, profile), bin_id, output, unordered=unordered)


def show_bins(deployment: Deployment, bin_id: str | None, output: Output, *, unordered: bool = False) -> None:
    """Print every bin, one in detail, or those without an order. Raises CommandError for an unknown bin."""
    if bin_id is not None:
        count = read_bin(deployment, bin_id)
        output.emit([record_of(count)], [details_table(count)])
        return
    counts = sorted(deployment.bins.all(), key=lambda one: one.bin_id)
    chosen = without_order(deployment, counts) if unordered else counts
    output.emit(map(record_of, chosen), view(chosen, nothing_found(deployment, bool(counts))))


def read_bin(deployment: Deployment, bin_id: str) -> BinCount:
    for count in deployment.bins.read({bin_id, normalised(bin_id)}).values():
        return count
    raise CommandError(
        f"Bin {bin_id} not found. `bintally bins` lists the known bins, "
        "and `bintally audit` shows whether photos are still in progress."
    )


def without_order(deployment: Deployment, counts: Iterable[BinCount]) -> list[BinCount]:
    """The bins that no line of any consignment names. Reads all order lines."""
    ordered = {line.bin_id for line in deployment.orders.all() if line.verdict is not Verdict.WITHDRAWN}
    return [count for count in counts if count.bin_id not in ordered]


def nothing_found(deployment: Deployment, any_bins: bool) -> str:
    if any_bins:
        return "Every bin with a photo is in an order."
    return f"No bins yet. Upload a photo to s3://{deployment.intake_bucket}/BIN/photo.jpg."


def record_of(count: BinCount) -> Record:
    return {
        "bin_id": count.bin_id,
        "status": str(count.status),
        "count": count.count,
        "at_least": count.at_least,
        "confidence": count.confidence,
        "probabilities": {str(number): each for number, each in sorted(count.probabilities.items())},
        "empty": count.empty,
        "over_range": count.over_range,
        "interval": count.interval.facts() if count.interval else None,
        "volume": count.volume.estimate() if count.volume else None,
        "reason": count.reason,
        "code": count.code,
        "source": count.source,
        "human": asdict(count.human) if count.human else None,
        "model": count.model,
        "image": f"s3://{count.image.bucket}/{count.image.key}",
        "captured_at": count.image.captured_at,
    }


def view(counts: Sequence[BinCount], nothing: str) -> Iterator[Block]:
    yield bins_table(counts) if counts else Note(nothing)


def bins_table(counts: Sequence[BinCount]) -> Table:
    """One row for each bin. Columns that would be empty are left out."""
    with_interval, with_volume, with_reason = (
        any(getattr(count, name) for count in counts) for name in ("interval", "volume", "reason")
    )
    numbers = [Column("Count", right=True), Column("Confidence", right=True)]
    interval = [Column("Interval", folds=True)] if with_interval else []
    volume = [Column("Volume", folds=True)] if with_volume else []
    reason = [Column("Not counted because", folds=True)] if with_reason else []
    table = Table([Column("Bin", folds=True), *numbers, *interval, *volume, Column("Photo (UTC)"), *reason])
    for count in counts:
        cells = [count.bin_id, number_text(count.count, count.at_least), confidence_text(count.confidence)]
        cells += [interval_text(count.interval) or "-"] if with_interval else []
        cells += [volume_text(count.volume) or "-"] if with_volume else []
        cells += [minute_text(count.image.captured_at), *([count.reason] if with_reason else [])]
        table.add(*cells)
    return table


def human_text(human: HumanCount | None) -> str:
    if human is None:
        return ""
    said = "can't tell" if human.count is None else str(human.count)
    return f"{said}, by {human.who} on {minute_text(human.decided_at)} (UTC)"


def details_table(count: BinCount) -> Table:
    """Everything about one bin, with the probability of each number of items as a bar."""
    table = Table([Column(""), Column("", folds=True)], header=False)
    record = record_of(count)
    number = number_text(count.count, count.at_least)
    shown = {**record, "count": number, "at_least": None, "interval": interval_text(count.interval)}
    shown["human"] = human_text(count.human)
    shown["volume"] = volume_text(count.volume)
    for name, value in shown.items():
        if value not in (None, "") and name not in SHOWN_AS_BARS:
            table.add(Styled(name, "dim"), str(value))
    largest = max(count.probabilities, default=0)
    known = {name: value for name, value in record.items() if value is not None}
    for items, probability in count_probabilities(known).items():
        name = f"more than {largest}" if items > largest else str(items)
        table.add(Styled(f"P({name})", "dim"), f"{'█' * round(probability * BAR_WIDTH):{BAR_WIDTH}} {probability:.0%}")
    return table
