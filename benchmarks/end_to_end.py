"""Section `end_to_end`: from the upload of a photo to the verdict on its order line, on a local stack.

Photos arrive at once, or at a steady rate. The baseline of the speeds is the model server alone, over HTTP. Processor
time and memory are those of the stack's processes by kind: only the functions and the model server are ours on AWS.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import psutil
from bincli.demo.drop import WORKERS
from bincli.demo.orders import as_csv
from bincli.demo.photos import Photo
from bincli.demo.run import bring_orders
from bincli.deployment import ROOT, Deployment
from bincli.output import Output
from binlocal.stack import Stack, running_stack
from bintally.adapters.dynamo import pages
from bintally.domain.bins import bin_id_of
from bintally.domain.verdicts import OrderLine, Verdict

from benchmarks.interleaved import seconds
from benchmarks.measure import Options, Row, compared, rounded, spread
from benchmarks.over_http import serving
from benchmarks.process_times import KINDS, ProcessTimes

OVER_HTTP = "the model over HTTP, a manifest of 500"
MANIFEST = 500
FLOODS, LONG = (100, 1000), 8000
RATES = {1: 20, 10: 100}  # photos a second: photos
POLL_SECONDS, TIMEOUT = 0.25, 300.0
LINES = 25  # of a consignment
PERCENTILES = (50, 95, 99)


def run(options: Options) -> dict[str, Any]:
    sizes = (*FLOODS, LONG) if options.long else FLOODS
    photos = [photo.path for photo in options.some(MANIFEST)]
    with ExitStack() as running:
        names, count = running.enter_context(serving(photos))
        alone = psutil.Process().children(recursive=True)
        stack = running.enter_context(running_stack(workdir=ROOT / ".work" / "bench"))
        trials = Trials(stack, options, alone)
        trials.flood(10)  # starts the functions and compiles what they import
        trials.forget()
        speeds: dict[str, list[float]] = {OVER_HTTP: []}
        for _ in range(options.repeats):
            speeds[OVER_HTTP].append(len(names) / seconds(lambda: count(names)))
            for size in sizes:
                number = len(options.some(size))
                speeds.setdefault(f"{size:,} photos at once", []).append(number / trials.flood(size))
            for rate, number in RATES.items():
                trials.steady(rate, number)
    return {
        "rows": compared(speeds, OVER_HTTP, "photos/s"),
        "latency": [latency(name, found) for name, found in trials.latencies.items()],
        "cpu": [
            {"name": name, "seconds": {kind: spread(each[kind] for each in found) for kind in KINDS}}
            for name, found in trials.processor.items()
        ],
        "memory_mib": {kind: rounded(trials.memory.get(kind, 0.0)) for kind in KINDS},
    }


def latency(name: str, found: Sequence[float]) -> Row:
    parts = {f"p{each}": rounded(float(np.percentile(found, each))) for each in PERCENTILES}
    return {"name": name, "photos": len(found), **parts}


@dataclass
class Trials:
    """Uploads on one stack, each trial with bins and orders of its own. Processes that are `ignored` are others'."""

    stack: Stack
    options: Options
    ignored: Sequence[psutil.Process]
    latencies: dict[str, list[float]] = field(default_factory=dict)
    processor: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    made: int = 0

    @cached_property
    def deployment(self) -> Deployment:
        return Deployment(self.stack.name, self.stack.outputs, self.stack.client)

    def forget(self) -> None:
        self.latencies.clear()
        self.processor.clear()
        self.memory.clear()

    def flood(self, size: int) -> float:
        """Seconds from the first upload until each of `size` photos, all at once, has its verdict."""
        return self._trial(f"{size:,} photos at once", size, None)

    def steady(self, rate: int, number: int) -> float:
        return self._trial(f"{rate} photo{'s' * (rate > 1)} a second", number, rate)

    def _trial(self, name: str, number: int, rate: int | None) -> float:
        """Seconds until the last verdict. `rate`: photos a second, None for all at once."""
        self.made += 1
        photos = [
            replace(photo, key=f"bench-{self.made}-{place:05}/photo.jpg")
            for place, photo in enumerate(self.options.some(number))
        ]
        consignments = self._order(photos)
        uploaded: dict[str, datetime] = {}

        def upload(place: int, photo: Photo) -> None:
            time.sleep(max(0.0, started + (place / rate if rate else 0) - time.monotonic()))
            uploaded[bin_id_of(photo.key)] = datetime.now(UTC)
            self.deployment.s3.put_object(
                Bucket=self.deployment.intake_bucket, Key=photo.key, Body=photo.path.read_bytes()
            )

        with ProcessTimes(self.ignored) as times, ThreadPoolExecutor(WORKERS) as pool:
            started = time.monotonic()
            uploads = [pool.submit(upload, place, photo) for place, photo in enumerate(photos)]
            self._wait(consignments)
            spent = time.monotonic() - started
            for each in uploads:
                each.result()
        self.latencies.setdefault(name, []).extend(self._latencies(uploaded))
        self.processor.setdefault(name, []).append(
            {kind: 1000 * times.seconds.get(kind, 0.0) / len(photos) for kind in KINDS}
        )
        for kind, mib in times.memory_mib.items():
            self.memory[kind] = max(mib, self.memory.get(kind, 0.0))
        return spent

    def _order(self, photos: Sequence[Photo]) -> list[str]:
        """Import an order line for each photo. Returns the consignments."""
        names = [f"bench-{self.made}-{place // LINES:03}" for place in range(len(photos))]
        due = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="seconds")
        lines = [
            OrderLine(name, bin_id_of(photo.key), photo.label or 3, due)
            for name, photo in zip(names, photos, strict=True)
        ]
        bring_orders(self.deployment, f"bench-{self.made}.csv", as_csv(lines), Output.standard())
        return sorted(set(names))

    def _wait(self, consignments: Sequence[str]) -> None:
        """Until every line is judged: one small query at a time, which hardly disturbs."""
        deadline = time.monotonic() + TIMEOUT
        for name in consignments:
            while any(line.verdict is Verdict.PENDING for line in self.deployment.orders.of_consignment(name)):
                self.stack.check()
                if time.monotonic() > deadline:
                    sys.exit(f"end_to_end.py: {name} was not judged within {TIMEOUT:g} s.")
                time.sleep(POLL_SECONDS)

    def _latencies(self, uploaded: dict[str, datetime]) -> Iterator[float]:
        """Seconds from each upload to the time that its line's verdict has."""
        table = self.deployment.output("ConsignmentsTable")
        for item in pages(self.deployment.dynamodb, "scan", TableName=table):
            if item["bin_id"] in uploaded:
                judged = datetime.fromisoformat(str(item["judged_at"]))
                yield (judged - uploaded[str(item["bin_id"])]).total_seconds()
