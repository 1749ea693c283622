"""The drop of the demo: uploads photos, and waits until each is counted and compared with its orders."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bintally.adapters.dynamo import pages
from bintally.adapters.ledger import DynamoLedger
from bintally.domain.bins import bin_id_of
from bintally.domain.image import TERMINAL, Status
from bintally.domain.verdicts import OrderLine, Verdict
from rich.console import Console

from bincli.demo.photos import Photo
from bincli.demo.results import Result, Totals, join
from bincli.deployment import Deployment
from bincli.progress import ProgressCallback, progress_bars
from bincli.text import quantity
from bincli.verdicts import tally

WORKERS = 6
POLL_SECONDS = 0.5
TIMEOUT = 180.0  # seconds without any change, after which something is broken
MAX_NAMES = 5

Entries = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Watch:
    """How the demo waits: a clock in seconds, a sleep, and the longest time without any change."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    timeout: float = TIMEOUT


@dataclass(frozen=True)
class Drop:
    """The results of a drop. `unfinished` says what is missing; "" if everything was counted and judged.

    `wrong` are the bins whose order line is wrong, as far as labels say.
    """

    results: list[Result]
    totals: Totals
    verdicts: Mapping[str, int]
    unfinished: str
    wrong: frozenset[str] = frozenset()


def run_drop(photos: Sequence[Photo], deployment: Deployment, *, err: Console, watch: Watch | None = None) -> Drop:
    """Upload `photos`, and wait until each is finished and its order lines are judged. The orders are in already."""
    watch = watch or Watch()
    ledger, orders = deployment.ledger, deployment.orders
    number = len(photos)
    with progress_bars(err, {"uploaded": number, "counted": number, "judged": number}) as (uploaded, counted, judged):
        before = _finished(ledger)
        started = watch.clock()
        versions = upload(photos, deployment, uploaded)
        follow(lambda: _finished(ledger) - before, number, counted, watch)
        seconds = watch.clock() - started
        entries = _entries(deployment, versions)
        bins = {entry["bin_id"] for entry in entries.values()}
        follow(lambda: len(bins) - _pending(orders.all(), bins), len(bins), judged, watch)
    return _drop(photos, entries, list(orders.all()), seconds)


def upload(photos: Sequence[Photo], deployment: Deployment, on_progress: ProgressCallback) -> dict[str, str | None]:
    """Upload every photo to the intake bucket, several at once; returns the new version of each key."""
    s3, bucket = deployment.s3, deployment.intake_bucket

    def upload_one(photo: Photo) -> tuple[str, str | None]:
        with photo.path.open("rb") as file:
            response = s3.put_object(Bucket=bucket, Key=photo.key, Body=file)
        return photo.key, response.get("VersionId")

    versions = {}
    with ThreadPoolExecutor(WORKERS) as pool:
        for key, version in pool.map(upload_one, photos):
            versions[key] = version
            on_progress(len(versions))
    return versions


def follow(measure: Callable[[], int], goal: int, on_progress: ProgressCallback, watch: Watch) -> bool:
    """Poll until `goal` is reached; False if nothing has changed for `watch.timeout` seconds."""
    reached, since = -1, watch.clock()
    while (now := measure()) < goal:
        if now != reached:
            reached, since = now, watch.clock()
        elif watch.clock() - since > watch.timeout:
            return False
        on_progress(now, goal)
        watch.sleep(POLL_SECONDS)
    on_progress(goal, goal)
    return True


def _finished(ledger: DynamoLedger) -> int:
    return sum(number for status, number in ledger.statuses().items() if Status(status) in TERMINAL)


def _pending(lines: Iterable[OrderLine], bins: Collection[str]) -> int:
    return len({line.bin_id for line in lines if line.verdict is Verdict.PENDING and line.bin_id in bins})


def _entries(deployment: Deployment, versions: Mapping[str, str | None]) -> Entries:
    """The ledger's items of the uploaded versions, by key."""
    items = pages(deployment.dynamodb, "scan", TableName=deployment.output("ImagesTable"))
    return {item["key"]: item for item in items if versions.get(item["key"], "") == item.get("version_id")}


def _drop(photos: Sequence[Photo], entries: Entries, lines: Sequence[OrderLine], seconds: float) -> Drop:
    finished = [entry["status"] for entry in entries.values() if Status(entry["status"]) in TERMINAL]
    counted = finished.count(Status.COUNTED)
    results = join({one.key: one.path for one in photos}, entries, lines)
    totals = Totals(
        images=len(photos),
        counted=counted,
        rejected=len(finished) - counted,
        unaccounted=len(photos) - len(finished),
        seconds=seconds,
        verdicts=tally(result.verdict for result in results),
    )
    verdicts = tally(line.verdict for line in lines)
    return Drop(results, totals, verdicts, _unfinished(photos, entries, lines), _wrong(photos, results))


def _wrong(photos: Sequence[Photo], results: Sequence[Result]) -> frozenset[str]:
    """The ordered bins whose label is not the expected number."""
    labels = {bin_id_of(one.key): one.label for one in photos if one.label is not None}
    ordered = {result.bin_id: result.expected for result in results if result.expected is not None}
    return frozenset(name for name, label in labels.items() if ordered.get(name, label) != label)


def _unfinished(photos: Sequence[Photo], entries: Entries, lines: Sequence[OrderLine]) -> str:
    in_progress = [
        f"{one.key} ({entries[one.key]['status'] if one.key in entries else 'not in the ledger'})"
        for one in photos
        if one.key not in entries or Status(entries[one.key]["status"]) not in TERMINAL
    ]
    bins = {entry["bin_id"] for entry in entries.values()}
    pending = [line.bin_id for line in lines if line.verdict is Verdict.PENDING and line.bin_id in bins]
    missing = [_named("photo", "not counted", in_progress), _named("order line", "without a verdict", pending)]
    return "; ".join(part for part in missing if part)


def _named(noun: str, state: str, names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMES:,} more" if len(names) > MAX_NAMES else ""
    return f"{quantity(len(names), noun)} {state}: {', '.join(names[:MAX_NAMES])}{more}" if names else ""
