"""`bintally review`: a recount sheet with the photos of the lines that a person should settle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from bintally.domain.bins import BinCount
from bintally.domain.times import iso
from bintally.domain.verdicts import OrderLine, Verdict

from bincli.commands.lines import Filter, urgency_of
from bincli.count_text import minute_text
from bincli.deployment import Deployment, open_deployment
from bincli.errors import exit_on_error
from bincli.files import natural_key
from bincli.options import Consignment, DueBefore, Json, Overdue, Profile, Region, Stack
from bincli.output import Output, Record
from bincli.stored_photos import stored_photo
from bincli.text import quantity

if TYPE_CHECKING:
    from bincli.recount_sheet import Entry

OPEN = (Verdict.SHORT, Verdict.OVER, Verdict.MISSING, Verdict.UNREADABLE, Verdict.UNCERTAIN)


def review(
    out: Annotated[
        Path, typer.Option("--out", metavar="HTML", dir_okay=False, help="File to write.", show_default=True)
    ] = Path("recount.html"),
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Maximum number of bins.")] = 60,
    by_bin: Annotated[
        bool, typer.Option("--by-bin", help="In the order of the bins' ids, to walk along. Default: riskiest first.")
    ] = False,
    show_expected: Annotated[
        bool, typer.Option("--show-expected", help="Print the expected numbers. Default: a blind count.")
    ] = False,
    consignment: Consignment = "",
    due_before: DueBefore = None,
    overdue: Overdue = False,
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Write a recount sheet with photos, to print or mail.

    One HTML file without links to anything: the photos are in it. It holds
    the bins of lines that wait for a person and that nobody has counted
    yet, the riskiest first. --limit keeps the riskiest also with --by-bin.
    The sheet shows no expected number, because people tend to find what
    they look for. Enter what was counted with `bintally decide`.

    \b
    Exit codes: 0 written, 1 the stack or a photo can't be read.

    \b
    Examples:
      bintally review
      bintally review --out aisle-4.html --limit 20 --by-bin
      bintally review --consignment C-1 --show-expected --stack prod
    """
    due = iso(due_before.replace(tzinfo=UTC)) if due_before else ""
    chosen = Filter(OPEN, consignment, due, overdue)
    output = Output.standard(as_json)
    with exit_on_error():
        deployment = open_deployment(stack, region, profile)
        with output.err.status("Reading lines and photos"):
            written = write_sheet(
                deployment, chosen, out, limit=limit, by_bin=by_bin, show_expected=show_expected, now=datetime.now(UTC)
            )
        output.emit([written], [f"{quantity(written['bins'], 'bin')} to count: {out}"])


def write_sheet(
    deployment: Deployment, chosen: Filter, out: Path, *, limit: int, by_bin: bool, show_expected: bool, now: datetime
) -> Record:
    """Write the sheet; how many bins it has."""
    from bincli.recount_sheet import sheet

    counts = {count.bin_id: count for count in deployment.bins.all()}
    bins = riskiest(filter(chosen.includes, deployment.orders.all()), counts, limit)
    names = sorted(bins, key=lambda name: natural_key(Path(name))) if by_bin else list(bins)
    entries = [entry_of(deployment.s3, name, counts.get(name), bins[name], show_expected) for name in names]
    out.write_text(sheet(deployment.name, entries, minute_text(iso(now)) + " UTC"), encoding="utf-8")
    return {"bins": len(entries), "without_photo": sum(not entry.photo for entry in entries), "file": str(out)}


def riskiest(lines: Iterable[OrderLine], counts: Mapping[str, BinCount], limit: int) -> dict[str, list[OrderLine]]:
    """The lines of at most `limit` bins that nobody counted, by bin id, the most urgent first."""
    bins: dict[str, list[OrderLine]] = defaultdict(list)
    for line in sorted(lines, key=urgency_of):
        count = counts.get(line.bin_id)
        if count is None or count.human is None:
            bins[line.bin_id].append(line)
    return dict(list(bins.items())[:limit])


def entry_of(s3: Any, bin_id: str, count: BinCount | None, lines: Sequence[OrderLine], show_expected: bool) -> Entry:
    from bincli.recount_sheet import Entry, thumbnail

    data = stored_photo(s3, count.image) if count else None
    taken = [f"Photo of {minute_text(count.image.captured_at)} UTC"] if count else []
    facts = [line_text(line, show_expected) for line in lines]
    return Entry(bin_id, thumbnail(data) if data else None, [*facts, *taken])


def line_text(line: OrderLine, show_expected: bool) -> str:
    due = f", due {minute_text(line.due_at)} UTC" if line.due_at else ""
    expected = f", {line.expected} expected" if show_expected else ""
    return f"{line.consignment_id}{expected}{due}"
