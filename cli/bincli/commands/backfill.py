"""`bintally backfill`: existing photos into the intake bucket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from bintally.domain.jobs import EngineName

from bincli.backfill.costs import assumption, estimate
from bincli.backfill.journal import open_journal, read_journal
from bincli.deployment import Deployment, open_deployment
from bincli.errors import INCOMPLETE, INTERRUPTED, exit_on_error
from bincli.options import DryRun, Json, Profile, Region, Stack
from bincli.output import Block, Output, Record
from bincli.progress import progress_bar
from bincli.tables import Column, Table
from bincli.text import Styled, quantity, verb

if TYPE_CHECKING:
    from bincli.backfill.run import BackfillResult, Plan

MAX_ROWS = 20


def backfill(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A folder, or s3://bucket/prefix.")],
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    rate: Annotated[float, typer.Option(min=0.01, metavar="N", help="Maximum photos to upload per second.")] = 100,
    any_file: Annotated[
        bool, typer.Option("--any-file", help="Take every file, not only .jpg, .jpeg and .png.")
    ] = False,
    journal: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="File that records what is uploaded.")
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Upload existing photos to the intake bucket.

    A key is the path below SOURCE, so the bin of a photo is its folder or,
    without a folder, its file name. Objects are copied within S3. Links are not
    followed, and hidden files are ignored. Safe to rerun: unchanged photos
    that are already in the bucket are skipped. With --dry-run: how many,
    how large, how long it takes, and what counting costs with each engine.

    \b
    Exit codes:
      0    everything was uploaded
      1    it could not start, or too many uploads failed
      3    some photos were not uploaded
      130  stopped by Ctrl-C; rerun it to continue

    \b
    Examples:
      bintally backfill shelf/ --dry-run
      bintally backfill shelf/ --rate 20
      bintally backfill s3://archive/2025/ --stack prod
    """
    from bincli.backfill.run import default_journal

    output = Output.standard(as_json)
    with exit_on_error():
        deployment = open_deployment(stack, region, profile)
        path = journal or default_journal(source, deployment.intake_bucket)
        if dry_run:
            code = show_plan(deployment, source, path, rate, output, any_file=any_file)
        else:
            code = upload_all(deployment, source, path, rate, output, any_file=any_file)
    raise typer.Exit(code)


def show_plan(
    deployment: Deployment, source: str, journal: Path, rate: float, output: Output, *, any_file: bool
) -> int:
    """Print what would be done; returns the exit code."""
    from bincli.backfill.run import plan_backfill

    done = read_journal(journal, {"source": source, "bucket": deployment.intake_bucket}) or {}
    with output.err.status("Comparing with the intake bucket"):
        plan = plan_backfill(deployment, source, done, any_file=any_file)
    output.emit([plan_record(plan, rate)], plan_view(plan, rate))
    return INCOMPLETE if plan.skipped else 0


def upload_all(
    deployment: Deployment, source: str, journal: Path, rate: float, output: Output, *, any_file: bool
) -> int:
    """Upload what the bucket does not have, and print what was done; returns the exit code."""
    from bincli.backfill.run import RateLimiter, plan_backfill, run_backfill

    with open_journal(journal, source, deployment.intake_bucket) as opened:
        with output.err.status("Comparing with the intake bucket"):
            plan = plan_backfill(deployment, source, opened.done, any_file=any_file)
        with progress_bar(output.err, "Uploading", len(plan.uploads)) as on_progress:
            result = run_backfill(deployment, plan.uploads, opened, limiter=RateLimiter(rate), on_progress=on_progress)
    output.emit([result_record(plan, result)], result_view(plan, result))
    if result.stopped:
        return INTERRUPTED
    return INCOMPLETE if result.failed or plan.skipped else 0


def plan_record(plan: Plan, rate: float) -> Record:
    number = len(plan.uploads)
    return {
        "images": number,
        "bytes": plan.size,
        "unchanged": plan.unchanged,
        "ignored": plan.ignored,
        "skipped": skipped_record(plan),
        "seconds": round(number / rate, 1),
        "costs": [asdict(estimate(engine, number)) for engine in EngineName],
        "assumption": assumption(),
    }


def plan_view(plan: Plan, rate: float) -> Iterator[Block]:
    """What would be uploaded, how long that takes, and what counting costs with each engine."""
    number = len(plan.uploads)
    yield from skipped_view(plan)
    yield f"{quantity(number, 'photo')} to upload, {plan.size / 1e6:,.1f} MB{others(plan, 'is', 'are')}."
    yield f"At {rate:g} photos/s the upload takes {duration(number / rate)}."
    yield ""
    yield costs_table(number)
    yield ""
    yield Styled(assumption(), "dim")


def costs_table(number: int) -> Table:
    numbers = (Column(name, right=True) for name in ("Instance hours", "USD", "USD for a million"))
    table = Table([Column("Engine"), *numbers])
    for engine in EngineName:
        cost, million = estimate(engine, number), estimate(engine, 1_000_000).dollars
        table.add(engine, f"{cost.instance_hours:,.2f}", f"{cost.dollars:,.2f}", f"{million:,.2f}")
    return table


def result_record(plan: Plan, result: BackfillResult) -> Record:
    return {
        "uploaded": result.uploaded,
        "unchanged": plan.unchanged,
        "ignored": plan.ignored,
        "failed": result.failed,
        "skipped": skipped_record(plan),
        "stopped": result.stopped,
    }


def result_view(plan: Plan, result: BackfillResult) -> Iterator[Block]:
    """What was uploaded, and what was not."""
    yield from skipped_view(plan)
    for key, error in list(result.failed.items())[:MAX_ROWS]:
        yield Styled(f"{key}: {error}", "red")
    failed = f"; {len(result.failed):,} could not be uploaded" if result.failed else ""
    if result.stopped:
        yield f"Stopped after {result.uploaded:,} of {quantity(len(plan.uploads), 'photo')}{failed}."
        yield "Run the same command again to upload the rest. Nothing is uploaded twice."
    else:
        photos = quantity(result.uploaded, "photo")
        yield f"{photos} uploaded to the intake bucket{others(plan, 'was', 'were')}{failed}."


def others(plan: Plan, singular: str, plural: str) -> str:
    """What is not uploaded, to follow what is: `; 3 were unchanged; 2 other files were ignored`."""
    parts = [
        (plan.unchanged, f"{plan.unchanged:,}", "already in the bucket"),
        (plan.ignored, quantity(plan.ignored, "other file"), "ignored"),
        (len(plan.skipped), f"{len(plan.skipped):,}", "skipped"),
    ]
    return "".join(f"; {words} {verb(number, singular, plural)} {what}" for number, words, what in parts if number)


def skipped_view(plan: Plan) -> Iterator[Block]:
    """The photos that a person must look at."""
    for each in plan.skipped[:MAX_ROWS]:
        yield Styled(f"skipped {each.key}: {each.reason}", "yellow")
    if len(plan.skipped) > MAX_ROWS:
        yield Styled(f"and {len(plan.skipped) - MAX_ROWS:,} more were skipped; --json lists all of them", "yellow")


def skipped_record(plan: Plan) -> dict[str, str]:
    return {each.key: each.reason for each in plan.skipped}


def duration(seconds: float) -> str:
    """`2 h 46 min`, or `12 s` for less than a minute."""
    hours, rest = divmod(round(seconds), 3600)
    if hours:
        return f"{hours:,} h {rest // 60} min"
    return f"{rest // 60} min {rest % 60} s" if rest >= 60 else f"{rest} s"
