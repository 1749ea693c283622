"""Photos at full rate under constant faults and kills; at the end, the audit.

    make soak                                                       # ten minutes
    python benchmarks/soak.py --seconds 60 --kill-every 2 --victims model sagemaker lambda
    python benchmarks/soak.py --limit 1000 --seconds 60 --rate 0 --lost 1 --json      # nothing is announced

Runs a local stack in which that share of all notifications is lost, doubled, late and out of order, of all requests
refused, throttled, or accepted with the response lost, of all transform jobs short of instances, and of all model
calls slow.
Messages of the intake bucket are delivered again at the same rate, and processes are killed with SIGKILL, one kind
after the other. Then the faults stop, everything has `--healing` seconds to finish, and every photo is audited.
Exit status 1 unless each is COUNTED, into its bin once, and the audit is clean.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import urllib3
from bincli.audit.collect import Report
from bincli.demo.photos import balanced, in_folder
from bincli.demo.run import DATASET
from bincli.demo.synthetic import draw_bins
from bincli.deployment import ROOT
from binlocal.environment import authorization
from binlocal.stack import Stack, running_stack
from bintally.domain.image import Status
from soaking import VICTIMS, Soak, kill
from tqdm import tqdm

PARAMETERS = {
    "BatchWindow": "1", "InferenceMode": "auto", "MicroBatchSize": "30", "BatchThreshold": "40", "MaxAttempts": "5",
    "LambdaThreshold": "0",
    "SweepAfter": "10", "RetryDelay": "1", "JobTimeout": "60",
}  # fmt: skip
VISIBILITY = "15"  # seconds until a failed message is retried; minutes on AWS


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600, help="of photos and faults (default: %(default)s)")
    parser.add_argument("--healing", type=float, default=300, help="at most, after them (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=0.05, help="share of all that goes wrong (default: %(default)s)")
    parser.add_argument("--lost", type=float, help="share of notifications and events that is lost (default: --rate)")
    parser.add_argument("--limit", type=int, help="upload at most so many photos")
    parser.add_argument(
        "--in-flight", type=int, default=600, help="photos that are being counted at a time (default: %(default)s)"
    )
    parser.add_argument(
        "--kill-every", type=float, default=60, metavar="SECONDS", help="on average (default: %(default)s)"
    )
    parser.add_argument(
        "--victims", nargs="+", choices=list(VICTIMS), default=["model"], help="what is killed (default: model)"
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, help="seed of the random choices (default: %(default)s)")
    parser.add_argument("--images", type=Path, help="folder of photos (default: the dataset's, or synthetic ones)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(arguments)


def plan(seed: int, rate: float, lost: float) -> dict[str, object]:
    """A fault plan of the local SageMaker, with `rate` of everything and `lost` of the notifications."""
    return {
        "seed": seed, "delay_seconds": 5,
        "notifications": {"drop": lost, "double": rate, "delay": rate, "reorder": rate, "epoch_times": 0.5},
        "requests": {"error_5xx": rate, "throttle": rate, "lost_answer": rate},
        "transform": {"capacity": rate, "quota": rate, "shard": rate},
        "model": {"slow": rate, "slow_seconds": 3},
    }  # fmt: skip


def sample(folder: Path | None, scratch: Path) -> list[bytes]:
    if folder is None and (DATASET / "bin-images").is_dir():
        return [one.path.read_bytes() for one in balanced(in_folder(DATASET), 400)]
    paths = [one.path for one in in_folder(folder)[:400]] if folder else list(draw_bins(scratch / "synthetic", 100))
    return [path.read_bytes() for path in paths]


def run_faults(soak: Soak, options: argparse.Namespace) -> Counter[str]:
    """Photos and kills for as long as `options` say; how often each kind of process was killed."""
    kills: Counter[str] = Counter()
    started, next_kill = time.monotonic(), options.kill_every
    with tqdm(total=round(options.seconds), unit="s", desc="soak", mininterval=5) as bar:
        while (passed := time.monotonic() - started) < options.seconds:
            soak.stack.check()
            if not soak.feed():
                break
            soak.watch_memory()
            if passed > next_kill:
                victim = options.victims[kills.total() % len(options.victims)]
                kills[victim] += kill(victim, soak.random)
                next_kill = passed + options.kill_every * soak.random.uniform(0.5, 1.5)
            bar.set_postfix(put=soak.put)
            bar.update(round(time.monotonic() - started) - bar.n)
            time.sleep(0.1)  # leaves the processor to the stack
    return kills


def soaked(stack: Stack, photos: Sequence[bytes], options: argparse.Namespace) -> dict[str, object]:
    """The results of a soak of `stack`."""
    for output in ("IntakeQueue", "ResultsQueue", "OrdersQueue"):
        visibility = {"VisibilityTimeout": VISIBILITY}
        stack.client("sqs").set_queue_attributes(QueueUrl=stack.outputs[output], Attributes=visibility)
    most = options.limit or sys.maxsize
    soak = Soak(stack, photos, random.Random(options.seed), options.rate, most, options.in_flight)  # noqa: S311
    started = time.monotonic()
    kills = run_faults(soak, options)
    url = f"{stack.environment['AWS_ENDPOINT_URL_SAGEMAKER']}/_faults"
    key = authorization(stack.environment)
    # The local SageMaker may have been killed just now, and starts again.
    until_up = urllib3.Retry(total=20, backoff_factor=0.2, backoff_max=2)
    faults = urllib3.request("GET", url, headers=key, retries=until_up).json()["counts"]
    urllib3.request("PUT", url, json={}, headers=key, retries=until_up)
    report, failed = soak.heal(options.healing)
    found = {"faults": faults, "kills": dict(kills), "failed_before_retry": failed}
    return {**soak.figures(report), **found, "seconds": round(time.monotonic() - started), **verdict(report, soak)}


def verdict(report: Report, soak: Soak) -> dict[str, object]:
    every = report.audit.places == {Status.COUNTED: soak.put}
    return {"clean": bool(report.audit.is_clean and every and soak.put and not soak.counted_twice())}


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    with TemporaryDirectory() as scratch:
        faults = Path(scratch) / "faults.json"
        faults.write_text(
            json.dumps(plan(options.seed, options.rate, options.rate if options.lost is None else options.lost))
        )
        photos = sample(options.images, Path(scratch))
        folder = ROOT / ".work" / "soak"
        with running_stack(workdir=folder, parameters=PARAMETERS, faults=faults, schedule_seconds=2) as stack:
            found = soaked(stack, photos, options)
    if options.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:20} {value}")
    return 0 if found["clean"] else 1


if __name__ == "__main__":
    sys.exit(main())
