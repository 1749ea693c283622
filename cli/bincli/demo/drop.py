"""The demo: orders and photographs in, then waiting until each has been counted and judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bintally.adapters.consignments import DynamoOrders
from bintally.adapters.dynamo import pages
from bintally.adapters.ledger import DynamoLedger
from bintally.domain.image import TERMINAL, Status
from bintally.domain.verdicts import OrderLine, Verdict
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bincli.deployment import Deployment
from bincli.demo.results import Outcome, Totals, join, tally
from bincli.demo.photos import Photograph

PUTS_AT_ONCE = 6
POLL_SECONDS = 0.5
PATIENCE = 180.0  # seconds without any change, after which something is broken

Tick = Callable[[int], None]
Entries = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Watch:
    """How the demo waits: a clock in seconds, a sleep, and how long to bear no change at all."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    patience: float = PATIENCE


@dataclass(frozen=True)
class Result:
    """What became of a drop. `unfinished` says what is missing; it is empty when everything was counted and judged."""

    outcomes: list[Outcome]
    totals: Totals
    verdicts: Mapping[str, int]
    unfinished: str


def run_drop(
    photographs: Sequence[Photograph], deployment: Deployment, *, err: Console, watch: Watch | None = None
) -> Result:
    """Drop `photographs`, whose orders are in already, and wait until each is settled and each of its lines judged."""
    watch = watch or Watch()
    dynamo = deployment.client("dynamodb")
    ledger = DynamoLedger(dynamo, deployment.output("ImagesTable"))
    orders = DynamoOrders(dynamo, deployment.output("ConsignmentsTable"))
    with _bars(err, len(photographs)) as (dropped, counted, judged):
        before = _settled(ledger)
        started = watch.clock()
        bucket = deployment.output("IntakeBucket")
        versions = drop(photographs, deployment.client("s3"), bucket, dropped)
        follow(lambda: _settled(ledger) - before, len(photographs), counted, watch)
        seconds = watch.clock() - started
        entries = _entries(dynamo, deployment.output("ImagesTable"), versions)
        bins = {entry["bin_id"] for entry in entries.values()}
        follow(lambda: len(bins) - len(_pending(orders, bins)), len(bins), judged, watch)
    return _result(photographs, entries, list(orders.all()), seconds)


def drop(photographs: Sequence[Photograph], s3: Any, bucket: str, tick: Tick) -> dict[str, str | None]:
    """Put every photograph in `bucket`, a few at once; the version that each key has now."""

    def put(photograph: Photograph) -> tuple[str, str | None]:
        with photograph.path.open("rb") as file:
            answer = s3.put_object(Bucket=bucket, Key=photograph.key, Body=file)
        return photograph.key, answer.get("VersionId")

    versions = {}
    with ThreadPoolExecutor(PUTS_AT_ONCE) as pool:
        for key, version in pool.map(put, photographs):
            versions[key] = version
            tick(len(versions))
    return versions


def follow(look: Callable[[], int], goal: int, tick: Tick, watch: Watch) -> bool:
    """Look again and again until `goal` is reached; False when nothing has changed for as long as `watch` bears."""
    reached, since = -1, watch.clock()
    while (now := look()) < goal:
        if now != reached:
            reached, since = now, watch.clock()
        elif watch.clock() - since > watch.patience:
            return False
        tick(now)
        watch.sleep(POLL_SECONDS)
    tick(goal)
    return True


def _settled(ledger: DynamoLedger) -> int:
    return sum(number for status, number in ledger.statuses().items() if Status(status) in TERMINAL)


def _pending(orders: DynamoOrders, bins: Collection[str]) -> set[str]:
    return {line.bin_id for line in orders.all() if line.verdict is Verdict.PENDING and line.bin_id in bins}


def _entries(dynamo: Any, table: str, versions: Mapping[str, str | None]) -> Entries:
    """The ledger's items of the dropped versions, by key."""
    items = pages(dynamo, "scan", TableName=table)
    return {item["key"]: item for item in items if versions.get(item["key"], "") == item.get("version_id")}


def _result(photographs: Sequence[Photograph], entries: Entries, lines: Sequence[OrderLine], seconds: float) -> Result:
    settled = [entry["status"] for entry in entries.values() if Status(entry["status"]) in TERMINAL]
    counted = settled.count(Status.COUNTED)
    outcomes = join({one.key: one.path for one in photographs}, entries, lines)
    totals = Totals(
        images=len(photographs),
        counted=counted,
        rejected=len(settled) - counted,
        unaccounted=len(photographs) - len(settled),
        seconds=seconds,
        verdicts=tally(outcome.verdict for outcome in outcomes),
    )
    return Result(outcomes, totals, tally(line.verdict for line in lines), _unfinished(photographs, entries, lines))


def _unfinished(photographs: Sequence[Photograph], entries: Entries, lines: Sequence[OrderLine]) -> str:
    open_keys = [
        f"{one.key} ({entries[one.key]['status'] if one.key in entries else 'not in the ledger'})"
        for one in photographs
        if one.key not in entries or Status(entries[one.key]["status"]) not in TERMINAL
    ]
    bins = {entry["bin_id"] for entry in entries.values()}
    pending = [line.bin_id for line in lines if line.verdict is Verdict.PENDING and line.bin_id in bins]
    missing = [_named("photographs are not counted", open_keys), _named("order lines have no verdict", pending)]
    return "; ".join(part for part in missing if part)


def _named(what: str, names: Sequence[str]) -> str:
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return f"{len(names):,} {what}: {', '.join(names[:5])}{more}" if names else ""


@contextmanager
def _bars(err: Console, total: int) -> Iterator[tuple[Tick, Tick, Tick]]:
    """Three progress bars on a terminal, and three functions that move them. Elsewhere nothing is shown."""
    columns = (TextColumn("{task.description:>8}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        dropped, counted, judged = (progress.add_task(name, total=total) for name in ("dropped", "counted", "judged"))

        def mover(task: Any) -> Tick:
            return lambda done: progress.update(task, completed=done)

        yield mover(dropped), mover(counted), mover(judged)
