"""A backfill, planned or done, for people and for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from bintally.domain.jobs import EngineName
from rich.console import Console

from bincli.backfill.costs import assumption, estimate
from bincli.backfill.run import Backfilled, Plan
from bincli.output import quantity, say
from bincli.tables import Column, Table

MOST_ROWS = 20


def show_plan(plan: Plan, rate: float, *, as_json: bool, out: Console) -> None:
    """Print what would be put, how long that takes, and what counting it costs with either engine."""
    number = len(plan.uploads)
    if as_json:
        out.out(json.dumps(plan_record(plan, rate)), highlight=False)
        return
    show_skipped(plan, out)
    say(out, plan_text(plan))
    say(out, f"At {rate:g} photos/s the upload takes {duration(number / rate)}.")
    say(out, "")
    costs_table(number).show(out)
    say(out, "")
    say(out, assumption(), "dim")


def plan_record(plan: Plan, rate: float) -> dict[str, Any]:
    """What `bintally backfill --dry-run --json` prints."""
    number = len(plan.uploads)
    return {
        "photographs": number,
        "bytes": plan.size,
        "held": plan.held,
        "left_out": plan.left_out,
        "skipped": skipped_record(plan),
        "seconds": round(number / rate, 1),
        "costs": [asdict(estimate(engine, number)) for engine in EngineName],
        "assumption": assumption(),
    }


def plan_text(plan: Plan) -> str:
    """The plan in a sentence."""
    held = f"; {plan.held:,} more {_are(plan.held)} in the intake bucket already" if plan.held else ""
    left_out = f"; {quantity(plan.left_out, 'other file')} {_are(plan.left_out)} left out" if plan.left_out else ""
    skipped = f"; {len(plan.skipped):,} {_are(len(plan.skipped))} skipped" if plan.skipped else ""
    return f"{quantity(len(plan.uploads), 'photo')} to upload, {plan.size / 1e6:,.1f} MB{held}{left_out}{skipped}."


def costs_table(number: int) -> Table:
    """One row for each engine."""
    numbers = (Column(name, right=True) for name in ("Instance hours", "USD", "USD for a million"))
    table = Table([Column("Engine"), *numbers])
    for engine in EngineName:
        cost = estimate(engine, number)
        million = estimate(engine, 1_000_000).dollars
        table.add(engine, f"{cost.instance_hours:,.2f}", f"{cost.dollars:,.2f}", f"{million:,.2f}")
    return table


def duration(seconds: float) -> str:
    """`2 h 46 min`, or `12 s` for less than a minute."""
    hours, rest = divmod(round(seconds), 3600)
    if hours:
        return f"{hours:,} h {rest // 60} min"
    return f"{rest // 60} min {rest % 60} s" if rest >= 60 else f"{rest} s"


def show_backfilled(plan: Plan, done: Backfilled, *, as_json: bool, out: Console) -> None:
    """Print how many were put, and which could not be."""
    if as_json:
        facts = {"put": done.put, "held": plan.held, "left_out": plan.left_out, "failed": done.failed}
        out.out(json.dumps({**facts, "skipped": skipped_record(plan), "stopped": done.stopped}), highlight=False)
        return
    show_skipped(plan, out)
    for key, error in list(done.failed.items())[:MOST_ROWS]:
        say(out, f"{key}: {error}", "red")
    held = f"; {plan.held:,} {_were(plan.held)} there already" if plan.held else ""
    left_out = f"; {quantity(plan.left_out, 'other file')} {_were(plan.left_out)} left out" if plan.left_out else ""
    failed = f"; {len(done.failed):,} could not be uploaded" if done.failed else ""
    skipped = f"; {len(plan.skipped):,} {_were(len(plan.skipped))} skipped" if plan.skipped else ""
    photos = quantity(done.put, "photo")
    if done.stopped:
        say(out, f"Stopped after {done.put:,} of {quantity(len(plan.uploads), 'photo')}{failed}{skipped}.")
        say(out, "Run the same command again to upload the rest: nothing is uploaded twice.")
        return
    say(out, f"{photos} uploaded to the intake bucket{held}{left_out}{failed}{skipped}.")


def show_skipped(plan: Plan, out: Console) -> None:
    """Print what a person has to look at."""
    for each in plan.skipped[:MOST_ROWS]:
        say(out, f"skipped {each.key}: {each.why}", "yellow")
    if len(plan.skipped) > MOST_ROWS:
        say(out, f"and {len(plan.skipped) - MOST_ROWS:,} more were skipped; --json has all of them", "yellow")


def skipped_record(plan: Plan) -> dict[str, str]:
    return {each.key: each.why for each in plan.skipped}


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
