"""A backfill, planned or done, for people and for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from bintally.domain.jobs import EngineName
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bincli.backfill import Backfilled, Plan
from bincli.costs import assumption, estimate

MOST_ROWS = 20


def show_plan(plan: Plan, rate: float, *, as_json: bool, out: Console) -> None:
    """Print what would be put, how long that takes, and what counting it costs with either engine."""
    number = len(plan.uploads)
    if as_json:
        out.out(json.dumps(plan_record(plan, rate)), highlight=False)
        return
    out.print(plan_text(plan), highlight=False)
    out.print(f"At {rate:g} photographs/s they are put within {duration(number / rate)}.\n", highlight=False)
    out.print(costs_table(number))
    out.print(f"\n{assumption()}", highlight=False, style="dim")


def plan_record(plan: Plan, rate: float) -> dict[str, Any]:
    """What `bintally backfill --dry-run --json` prints."""
    number = len(plan.uploads)
    return {
        "photographs": number,
        "bytes": plan.size,
        "held": plan.held,
        "left_out": plan.left_out,
        "seconds": round(number / rate, 1),
        "costs": [asdict(estimate(engine, number)) for engine in EngineName],
        "assumption": assumption(),
    }


def plan_text(plan: Plan) -> str:
    """The plan in a sentence."""
    held = f"; {plan.held:,} more are in the intake bucket already" if plan.held else ""
    left_out = f"; {plan.left_out:,} other files are left out" if plan.left_out else ""
    return f"{len(plan.uploads):,} photographs to put, {plan.size / 1e6:,.1f} MB{held}{left_out}."


def costs_table(number: int) -> Table:
    """One row for each engine."""
    table = Table(box=None, pad_edge=False)
    table.add_column("Engine")
    for name in ("Instance hours", "USD", "USD for a million"):
        table.add_column(name, justify="right")
    for engine in EngineName:
        cost = estimate(engine, number)
        million = estimate(engine, 1_000_000).dollars
        table.add_row(engine, f"{cost.instance_hours:,.2f}", f"{cost.dollars:,.2f}", f"{million:,.2f}")
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
        record = {"put": done.put, "held": plan.held, "left_out": plan.left_out, "failed": done.failed}
        out.out(json.dumps(record), highlight=False)
        return
    for key, error in list(done.failed.items())[:MOST_ROWS]:
        out.print(f"{escape(key)}: {escape(error)}", highlight=False, style="red")
    held = f"; {plan.held:,} were there already" if plan.held else ""
    left_out = f"; {plan.left_out:,} other files were left out" if plan.left_out else ""
    failed = f"; {len(done.failed):,} could not be put" if done.failed else ""
    out.print(f"{done.put:,} photographs put into the intake bucket{held}{left_out}{failed}.", highlight=False)
