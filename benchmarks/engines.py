"""The same photos through the endpoint, through transform jobs, and in mode `auto`.

    python benchmarks/engines.py --images DIR                     # 2,000 photos, three stacks: about five minutes
    python benchmarks/engines.py --images DIR --limit 60 --json

Each mode has a stack of its own, the same photos and the same orders, made from the labels where there are any.
Exit status 1 unless every mode gives the same count, probabilities and verdict for every bin. Baseline for the speeds:
`async`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bincli.demo.drop import run_drop
from bincli.demo.photos import Photo, balanced, in_folder
from bincli.demo.run import bring_orders, make_orders
from bincli.deployment import ROOT, Deployment
from bincli.output import Output
from binlocal.stack import running_stack
from bintally.adapters.bins import DynamoBins
from bintally.adapters.consignments import DynamoOrders
from bintally.adapters.jobs import DynamoJobs

MODES = ("async", "batch", "auto")
PARAMETERS = {
    "BatchWindow": "1",
    "MicroBatchSize": "30",
    "LambdaThreshold": "0",
    "BatchThreshold": "40",
    "SweepAfter": "10",
}


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, help="folder of photos, or the dataset's")
    parser.add_argument("--limit", type=int, default=2000, help="photos (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(arguments)


def chosen(folder: Path, limit: int) -> list[Photo]:
    """Photos with labels, as many of each as can be had; those without where there are none."""
    found = in_folder(folder)
    return balanced(found, limit) or found[:limit]


def run(mode: str, photos: Sequence[Photo], orders: bytes, output: Output) -> dict[str, Any]:
    """One stack in one mode: what it counted and found, how, and how fast."""
    parameters = {**PARAMETERS, "InferenceMode": mode}
    with running_stack(workdir=ROOT / ".work" / "engines", parameters=parameters, schedule_seconds=2) as stack:
        deployment = Deployment(stack.name, stack.outputs, stack.client)
        bring_orders(deployment, "orders.csv", orders, output)
        started = time.monotonic()
        result = run_drop(photos, deployment, err=output.err)
        seconds = time.monotonic() - started
        dynamo = stack.client("dynamodb")
        jobs = list(DynamoJobs(dynamo, stack.outputs["JobsTable"]).all())
        counts = DynamoBins(dynamo, stack.outputs["BinsTable"]).all()
        lines = DynamoOrders(dynamo, stack.outputs["ConsignmentsTable"]).all()
        return {
            "unfinished": result.unfinished,
            "bins": {c.bin_id: (c.status, c.count, c.confidence, dict(c.probabilities)) for c in counts},
            "verdicts": {line.bin_id: str(line.verdict) for line in lines},
            "jobs": {engine: sum(job.engine == engine for job in jobs) for engine in ("async", "batch")},
            "seconds": round(seconds, 1),
            "per_second": round(len(photos) / seconds, 1),
        }


def compared(runs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """How many bins and verdicts differ from those of the first mode, and the time of each mode."""
    first = runs[MODES[0]]
    reported = ("unfinished", "jobs", "seconds", "per_second")
    found = {}
    for mode, made in runs.items():
        differ = {
            what: sum(made[what].get(name) != first[what].get(name) for name in first[what].keys() | made[what].keys())
            for what in ("bins", "verdicts")
        }
        speed = {"ratio": round(made["per_second"] / first["per_second"], 2)}
        found[mode] = {"bins": len(made["bins"]), "differ": differ, **{name: made[name] for name in reported}, **speed}
    return found


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    output = Output.standard()
    photos = chosen(options.images, options.limit)
    orders = make_orders(photos, datetime.now(UTC) + timedelta(days=1))
    found = compared({mode: run(mode, photos, orders, output) for mode in MODES})
    equal = all(not any(each["differ"].values()) and not each["unfinished"] for each in found.values())
    if options.json:
        print(json.dumps({"equal": equal, "modes": found}))
    else:
        for mode, each in found.items():
            print(mode, json.dumps(each))
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
