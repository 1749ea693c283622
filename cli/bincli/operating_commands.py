"""Commands for whoever keeps a stack running: is anything lost, and what to do about what went wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bincli.options import (
    FAILED,
    INTERRUPTED,
    NOT_ALL,
    NOT_LOOKED,
    Json,
    Profile,
    Region,
    Stack,
    deployment,
    errors_said,
)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


def audit(
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    wait: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Look again, so long, until nothing is on its way.")
    ] = 0,
    announced_within: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Time for S3 to announce a photograph.")
    ] = 300,
    taken_within: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Time for a photograph that is due to get into a job.")
    ] = 3600,
    as_json: Json = False,
) -> None:
    """Prove that no photograph is lost, or say which ones are and why.

    Compares every object version in the intake bucket with the ledger, the
    jobs, the bins, the queues and their dead letters. Each photograph has to
    be settled, on its way, or a dead letter. While the intake queue has
    messages, as many photographs count as waiting in it.
    Changes nothing. Ends with 1 when any is not accounted for, with 2 when
    the stack could not be looked into.

    \b
    Examples:
      bintally audit
      bintally audit --wait 600           until all are settled
      bintally audit --stack prod --json | jq '.unaccounted[]'
    """

    from bincli.audit.collect import patience_of, run_audit
    from bincli.commands.audit import show_audit
    from bincli.output import Screen

    with errors_said(NOT_LOOKED, "Nothing was audited. "):
        with Screen(stderr=True).status("Auditing"):
            asked = deployment(stack, region, profile)
            report = run_audit(asked, patience_of(asked, announced_within, taken_within), wait=wait)
        show_audit(report, as_json=as_json, out=Screen())
    if not report.audit.is_clean:
        raise typer.Exit(FAILED)


def redrive(
    stack: Stack = None, region: Region = None, profile: Profile = None, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Send dead letters back to the queues that they came from.

    Do it when what made them fail has been repaired: those that fail again
    come back as dead letters. Shows how many there are by cause.
    For the comparisons with orders, where the dead letters do not say what
    they were about, every consignment is judged again.
    With --json, one line for each queue. Ends with 3 when some stay.

    \b
    Examples:
      bintally redrive --dry-run
      bintally redrive --stack prod
    """

    from bincli.commands.redrive import judge_again, redrive, routes_of, show_redriven
    from bincli.output import Screen
    from bincli.progress import bar
    from bincli.queues import look_at

    found = []
    with errors_said():
        asked = deployment(stack, region, profile)
        sqs = asked.client("sqs")
        for route in routes_of(asked):
            with bar(Screen(stderr=True), route.name, look_at(sqs, route.dead).messages) as tick:
                found.append(redrive(route, sqs, dry_run=dry_run, tick=tick))
        found.append(judge_again(asked, dry_run=dry_run))
        show_redriven(found, dry_run=dry_run, as_json=as_json, out=Screen())
    if not dry_run and any(each.left for each in found):
        raise typer.Exit(NOT_ALL)


def backfill(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A folder, or s3://bucket/prefix.")],
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    rate: Annotated[float, typer.Option(min=0.01, metavar="N", help="Most photographs to put in a second.")] = 100,
    any_file: Annotated[
        bool, typer.Option("--any-file", help="Take every file, not only .jpg, .jpeg and .png.")
    ] = False,
    journal: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Where to keep what has been put.")
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Put photographs that lie elsewhere into the intake bucket.

    The bin of a photograph is the folder that it lies in, or else the file's
    name: keys are paths below SOURCE. Objects are copied within S3.
    Killed, it goes on where it was when you run it again: it puts nothing
    twice that the bucket shows unchanged.
    With --dry-run: how many, how large, how long, and what counting them
    costs with either engine. Links are not followed, and hidden files are
    left out. Ends with 3 when some could not be put or were skipped, with
    130 after Ctrl-C.

    \b
    Examples:
      bintally backfill shelf/ --dry-run
      bintally backfill shelf/ --rate 20
      bintally backfill s3://archive/2025/ --stack prod
    """

    from bincli.backfill.journal import open_journal, read_journal
    from bincli.backfill.run import Pace, journal_of, plan_backfill
    from bincli.backfill.run import backfill as run_backfill
    from bincli.commands.backfill import show_backfilled, show_plan
    from bincli.output import Screen
    from bincli.progress import bar

    with errors_said():
        asked = deployment(stack, region, profile)
        bucket = asked.output("IntakeBucket")
        path = journal or journal_of(source, bucket)
        if dry_run:
            done = read_journal(path, {"source": source, "bucket": bucket}) or {}
            plan = plan_backfill(asked, source, done, any_file=any_file)
            show_plan(plan, rate, as_json=as_json, out=Screen())
            raise typer.Exit(NOT_ALL if plan.skipped else 0)
        with open_journal(path, source, bucket) as kept:
            plan = plan_backfill(asked, source, kept.done, any_file=any_file)
            with bar(Screen(stderr=True), "put", len(plan.uploads)) as tick:
                result = run_backfill(asked, plan.uploads, kept, pace=Pace(rate), tick=tick)
        show_backfilled(plan, result, as_json=as_json, out=Screen())
    if result.stopped:
        raise typer.Exit(INTERRUPTED)
    if result.failed or plan.skipped:
        raise typer.Exit(NOT_ALL)


def retry(
    photographs: Annotated[
        list[str] | None, typer.Argument(metavar="[PHOTOGRAPH]...", help="Keys, s3:// addresses or image ids.")
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Every photograph that FAILED.")] = False,
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Have photographs that FAILED tried again.

    They get as many attempts as they had before. With --json, one line for
    each photograph. Ends with 3 when one that was named can't be tried again.

    \b
    Examples:
      bintally retry P-17-C/photo.jpg
      bintally retry --failed --stack prod
    """

    from bincli.commands.retry import retry, show_retried
    from bincli.output import Screen

    if bool(photographs) == failed:
        raise typer.BadParameter("name photographs, or take --failed for all of them.", param_hint="PHOTOGRAPH")
    with errors_said():
        found = retry(deployment(stack, region, profile), photographs or [], every=failed, now=datetime.now(UTC))
        show_retried(found, as_json=as_json, out=Screen())
    if not all(each.retried for each in found):
        raise typer.Exit(NOT_ALL)


def jobs(
    only_open: Annotated[bool, typer.Option("--open", help="Only jobs that have not been answered.")] = False,
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Show what was asked of the model, the latest first.

    A job is one request to the endpoint, or one transform job of many
    shards. The table shortens its id; --json, with one line for each job,
    has all of it.

    \b
    Examples:
      bintally jobs
      bintally jobs --open --stack prod
      bintally jobs --json | jq -r 'select(.status == "FAILED") | .job_id'
    """

    from bincli.commands.jobs import show_jobs
    from bincli.output import Screen

    with errors_said():
        asked = deployment(stack, region, profile)
        show_jobs(asked, only_open=only_open, as_json=as_json, out=Screen(), now=datetime.now(UTC))
