"""The demo from start to end: finds photos and orders, starts a stack of its own, and drops the photos in."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from binlocal.stack import Stack, running_stack
from bintally.domain.bins import bin_id_of

from bincli.demo.drop import TIMEOUT, Drop, Watch, run_drop
from bincli.demo.orders import as_csv, orders_from_labels
from bincli.demo.photos import Photo, Source, find_photos
from bincli.demo.public_bucket import anonymous_client, fetch_photos
from bincli.demo.synthetic import draw_bins
from bincli.deployment import ROOT, Deployment
from bincli.errors import CommandError
from bincli.order_import import counts_text, import_orders, read_order_file
from bincli.output import Output
from bincli.progress import progress_bar

DATASET = ROOT.parent / "shared" / "abid"
WORKDIR = ROOT / ".work" / "demo"


def run_demo(
    images: Path | None,
    orders: Path | None,
    limit: int | None,
    model: Path,
    output: Output,
    then: Callable[[Drop, Stack], None],
) -> Drop:
    """Run the demo, and then `then` while its stack still runs. Its progress goes to standard error."""
    source = _source(images, limit, output)
    output.info(f"Photos: {len(source.photos):,}, {source.origin}")
    order_file = read_order_file(orders) if orders else make_orders(source.photos, datetime.now(UTC))
    output.info("Starting the local stack.")
    with running_stack(workdir=WORKDIR, model=model) as stack:
        deployment = Deployment(stack.name, stack.outputs, stack.client)
        bring_orders(deployment, orders.name if orders else "demo-orders.csv", order_file, output)
        drop = run_drop(source.photos, deployment, err=output.err, watch=Watch(sleep=partial(_sleep, stack)))
        then(drop, stack)
        return drop


def _sleep(stack: Stack, seconds: float) -> None:
    """Raises StackError if a server has ended, because then waiting is useless."""
    stack.check()
    time.sleep(seconds)


def _source(images: Path | None, limit: int | None, output: Output) -> Source:
    with progress_bar(output.err, "Downloading photos") as on_progress:
        fetch = partial(fetch_photos, s3=anonymous_client(), on_progress=on_progress)
        return find_photos(images, limit, dataset=DATASET, cache=ROOT / ".work", fetch=fetch, draw=draw_bins)


def make_orders(photos: list[Photo], now: datetime) -> bytes:
    """An order file from the photos' labels, due in a day. Empty if no photo has a label."""
    labels = {bin_id_of(one.key): one.label for one in photos if one.label is not None}
    return as_csv(orders_from_labels(labels, now + timedelta(days=1))) if labels else b""


def bring_orders(deployment: Deployment, name: str, data: bytes, output: Output) -> None:
    """Import the order file and say what was accepted. Raises CommandError if no line was."""
    if not data:
        output.info("No orders: the photos have no labels to make them from, and --orders was not given.")
        return
    report = import_orders(deployment, name, data, timeout=TIMEOUT)
    output.info(f"Orders: {counts_text(report)}")
    for row in report["refused"]:
        output.info(f"  line {row['line']}: {row['reason']}")
    if not report["accepted"]:
        raise CommandError(f"No line of {name} was accepted.")
