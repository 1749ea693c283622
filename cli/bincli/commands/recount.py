"""`bintally recount`: count photos again, after a change of the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from bintally.domain.image import LedgerEntry
from bintally.domain.jobs import EngineName
from bintally.domain.recounts import Selection
from bintally.domain.times import iso

from bincli.backfill.costs import assumption, estimate
from bincli.deployment import Deployment, open_deployment
from bincli.errors import FAILED, INCOMPLETE, exit_on_error
from bincli.options import DryRun, Json, Profile, Region, Stack
from bincli.output import Block, Output, Record
from bincli.text import Styled, quantity, verb


def recount(
    bins: Annotated[list[str] | None, typer.Argument(metavar="BIN", help="Photos of these bins.")] = None,
    prefix: Annotated[str, typer.Option(metavar="PREFIX", help="Photos whose key starts with PREFIX.")] = "",
    not_model: Annotated[str, typer.Option(metavar="MODEL", help="Photos that were not counted by MODEL.")] = "",
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
            metavar="TIME",
            help="Photos uploaded at TIME (UTC) or later.",
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every counted photo.")] = False,
    newest: Annotated[bool, typer.Option("--newest", help="Only the photo that each bin shows now.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: DryRun = False,
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Count photos again, after a change of the model.

    Reads the whole ledger, shows how many photos are selected and what
    counting them costs, and asks before it starts. Photos must meet all
    given conditions. A bin shows its old count until the new one arrives,
    and keeps it if none arrives. A newer photo of the bin always wins.
    `bintally audit --wait` waits until all are done.

    Models are compared by name: each count has the name of its model.

    \b
    Exit codes:
      0  the photos will be in the next jobs, or there are none
      1  the stack could not be used, or you declined
      3  some changed meanwhile and were skipped

    \b
    Examples:
      bintally recount --not-model ea848dd3b4c6 --newest --dry-run
      bintally recount P-17-C P-18-A
      bintally recount --prefix north/ --since 2026-05-01 --stack prod --yes
    """
    if bool(bins or prefix or not_model or since or newest) == every:
        raise typer.BadParameter("give bins or other conditions, or --all for every counted photo.", param_hint="BIN")
    at = iso(since.replace(tzinfo=UTC)) if since else ""
    selection = Selection(frozenset(bins or ()), prefix, not_model, at)
    output = Output.standard(as_json)
    with exit_on_error():
        deployment = open_deployment(stack, region, profile)
        with output.err.status("Reading the ledger"):
            chosen = choose(deployment, selection, newest=newest)
        code = show_or_recount(deployment, chosen, output, dry_run=dry_run, yes=yes)
    raise typer.Exit(code)


def choose(deployment: Deployment, selection: Selection, *, newest: bool) -> list[LedgerEntry]:
    """The selected entries of the ledger, ordered by key."""
    found: Iterable[LedgerEntry] = (entry for entry in deployment.ledger.all() if selection.includes(entry))
    if newest:
        shown = {count.image.image_id for count in deployment.bins.all()}
        found = (entry for entry in found if entry.image.image_id in shown)
    return sorted(found, key=lambda entry: (entry.image.key, entry.image.captured_at))


def show_or_recount(
    deployment: Deployment, chosen: Sequence[LedgerEntry], output: Output, *, dry_run: bool, yes: bool
) -> int:
    """Show what is selected and what it costs, and recount it if the operator agrees. Returns the exit code."""
    from bintally.usecases.recount import recount as recount_images

    if dry_run or not chosen:
        output.emit([record_of(chosen, 0)], plan_view(chosen))
        return 0
    if not yes:
        for block in plan_view(chosen):
            output.info(block.text if isinstance(block, Styled) else str(block))
        if not typer.confirm("Recount them?", err=True):
            return FAILED
    moved = recount_images(deployment.ledger, chosen, now=datetime.now(UTC))
    output.emit([record_of(chosen, len(moved))], done_view(len(chosen), len(moved)))
    return 0 if len(moved) == len(chosen) else INCOMPLETE


def record_of(chosen: Sequence[LedgerEntry], recounted: int) -> Record:
    return {
        "images": len(chosen),
        "models": _models(chosen),
        "recounted": recounted,
        "dollars": {str(engine): estimate(engine, len(chosen)).dollars for engine in EngineName},
    }


def plan_view(chosen: Sequence[LedgerEntry]) -> Iterator[Block]:
    """The number of photos, their models, and the cost."""
    if not chosen:
        yield "No counted photo meets these conditions."
        return
    models = ", ".join(f"{number:,} by {model}" for model, number in _models(chosen).items())
    yield f"{quantity(len(chosen), 'photo')} to recount: {models}."
    prices = [f"{estimate(engine, len(chosen)).dollars:,.2f} USD with engine {engine}" for engine in EngineName]
    yield f"About {', '.join(prices)}."
    yield Styled(assumption(), "dim")


def done_view(chosen: int, moved: int) -> Iterator[Block]:
    yield f"{quantity(moved, 'photo')} will be in the next jobs."
    if moved < chosen:
        rest = chosen - moved
        is_left = f"{quantity(rest, 'photo')} changed meanwhile and {verb(rest, 'is', 'are')} left alone"
        yield Styled(f"{is_left}. Run the command again.", "yellow")


def _models(chosen: Sequence[LedgerEntry]) -> dict[str, int]:
    return dict(Counter(entry.model or "an unnamed model" for entry in chosen).most_common())
