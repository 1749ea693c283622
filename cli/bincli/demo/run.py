"""The demo from start to end: photographs and orders found, a stack of its own, the drop, and what it shows."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from binlocal.stack import Stack, running_stack
from bintally.domain.bins import bin_id_of
from rich.console import Console

from bincli.demo.drop import PATIENCE, Result, Watch, run_drop
from bincli.demo.orders import as_csv, orders_from_labels
from bincli.deployment import ROOT, Deployment
from bincli.errors import CommandError
from bincli.order_import import counts_text, import_orders, read_order_file
from bincli.demo.photos import Photograph, Source, find_photographs
from bincli.demo.public_bucket import anonymous_client, fetch_photographs
from bincli.demo.synthetic import draw_bins
from bincli.demo.contact_sheet import write_report
from bincli.commands.demo import results_table, summary, totals_text, write_results
from bincli.output import say

DATASET = ROOT.parent / "shared" / "abid"
WORKDIR = ROOT / ".work" / "demo"


def run_demo(images: Path | None, orders: Path | None, limit: int | None, model: Path, *, err: Console) -> Result:
    """Run the demo; its progress goes to `err`."""
    source = _source(images, limit, err)
    say(err, f"Photos: {len(source.photographs):,}, {source.origin}")
    order_file = read_order_file(orders) if orders else made_orders(source.photographs, datetime.now(UTC))
    say(err, "Starting the local stack.")
    with running_stack(workdir=WORKDIR, model=model) as stack:
        deployment = Deployment(stack.name, stack.outputs, stack.client)
        bring_orders(deployment, orders.name if orders else "demo-orders.csv", order_file, err)
        return run_drop(source.photographs, deployment, err=err, watch=Watch(sleep=partial(_sleep, stack)))


def _sleep(stack: Stack, seconds: float) -> None:
    """Raises StackError when a server has ended, after which there is nothing to wait for."""
    stack.check()
    time.sleep(seconds)


def _source(images: Path | None, limit: int | None, err: Console) -> Source:
    def told(done: int, of: int) -> None:
        err.print(f"Fetched {done} of {of} photographs.", end="\r" if err.is_terminal and done < of else "\n")

    fetch = partial(fetch_photographs, s3=anonymous_client(), progress=told)
    return find_photographs(images, limit, dataset=DATASET, cache=ROOT / ".work", fetch=fetch, draw=draw_bins)


def made_orders(photographs: list[Photograph], now: datetime) -> bytes:
    """An orders file from the photographs' labels, due in a day. Empty when no photograph has a label."""
    labels = {bin_id_of(one.key): one.label for one in photographs if one.label is not None}
    return as_csv(orders_from_labels(labels, now + timedelta(days=1))) if labels else b""


def bring_orders(deployment: Deployment, name: str, data: bytes, err: Console) -> None:
    """Import the order file and say what came of it. Raises CommandError when none of its lines could be taken."""
    if not data:
        say(err, "No orders: the photos have no labels to make them from, and --orders was not given.")
        return
    report = import_orders(deployment, name, data, patience=PATIENCE)
    say(err, f"Orders: {counts_text(report)}")
    for row in report["refused"]:
        say(err, f"  line {row['line']}: {row['reason']}")
    if not report["accepted"]:
        raise CommandError(f"{name} has no line that could be taken.")


def show(result: Result, report: Path, *, as_json: bool, out: Console) -> None:
    """Write the contact sheet and the CSV beside it, and print the table with the totals, or the summary as JSON."""
    write_report(report, result.outcomes, result.totals)
    write_results(report.with_suffix(".csv"), result.outcomes)
    if as_json:
        out.out(json.dumps(summary(result, report)), highlight=False)
        return
    results_table(result.outcomes).show(out)
    for line in totals_text(result).splitlines():
        say(out, line)
    say(out, f"contact sheet: {report}")
    say(out, f"everything: {report.with_suffix('.csv')}")
