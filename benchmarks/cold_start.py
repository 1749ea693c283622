"""Section `cold_start`: what a function costs at its first event, against a handler with nothing but boto3.

Each run is a fresh interpreter with the function's own variables, on a local stack. The baseline of a function makes
the clients that its first event makes, and one cheap request with each.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote_plus

from bincli.deployment import ROOT
from binlocal.environment import server_environment
from binlocal.packaging import zip_folder
from binlocal.stack import Stack, running_stack

from benchmarks.cold_event import BARE
from benchmarks.measure import Options, Row, rounded, spread

EVENTS = {
    "intake": "intake/s3-put.json",
    "submit": "submit/schedule.json",
    "collect": "collect/async-success.json",
    "orders": "orders/csv-file.json",
    "reconcile": "reconcile/stream-bins.json",
}
Run = Mapping[str, Any]


def run(options: Options) -> dict[str, Any]:
    """Times of each function and of its baseline, and the sizes of the zip files."""
    functions = list(EVENTS)[:2] if options.quick else list(EVENTS)
    with running_stack(workdir=ROOT / ".work" / "bench", schedule_seconds=3600) as stack:
        upload_samples(stack)
        for name in functions:  # the first time there is work to do; from then on each event finds it done
            ours(stack, name)
        services = {name: ours(stack, name)["services"] for name in functions}
        rounds = [
            {name: (ours(stack, name), bare(stack, services[name])) for name in functions}
            for _ in range(options.repeats)
        ]
    return {
        "functions": [row(name, services[name], [each[name] for each in rounds]) for name in functions],
        "zip": {} if options.quick else zip_sizes(),
    }


def upload_samples(stack: Stack) -> None:
    """What the events are about: the order file, and the model's output."""
    messages = ROOT / "events" / "messages"
    (record,) = json.loads((ROOT / "events" / EVENTS["collect"]).read_text())["Records"]
    output = json.loads(json.loads(record["body"])["Message"])["responseParameters"]["outputLocation"]
    bucket, _, key = output.removeprefix("s3://").partition("/")
    s3 = stack.client("s3")
    s3.put_object(Bucket=bucket, Key=key, Body=(messages / "predictions.jsonl").read_bytes())
    (record,) = json.loads((ROOT / "events" / EVENTS["orders"]).read_text())["Records"]
    stored = json.loads(record["body"])["Records"][0]["s3"]
    name = unquote_plus(stored["object"]["key"])
    s3.put_object(Bucket=stored["bucket"]["name"], Key=name, Body=(messages / "orders.csv").read_bytes())


def ours(stack: Stack, function: str) -> Run:
    configuration = stack.client("lambda").get_function_configuration(
        FunctionName=stack.outputs[f"{function.capitalize()}Function"]
    )
    variables = configuration["Environment"]["Variables"]
    return fresh(stack, variables, f"bintally.handlers.{function}", str(ROOT / "events" / EVENTS[function]))


def bare(stack: Stack, services: list[str]) -> Run:
    return fresh(stack, {}, BARE, *services)


def fresh(stack: Stack, variables: Mapping[str, str], *arguments: str) -> Run:
    environment = {**server_environment(stack.environment), **variables, "PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, str(Path(__file__).with_name("cold_event.py")), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"cold_start.py: {' '.join(arguments[:1])} failed:\n{done.stderr[-2000:]}")
    found: Run = json.loads(done.stdout.splitlines()[-1])
    if found["failures"]:
        sys.exit(f"cold_start.py: {' '.join(arguments[:1])} gave messages back:\n{done.stdout[-2000:]}")
    return found


def cold(run: Run) -> float:
    """Seconds that only a first event takes: the import, and what the first event takes more than the second."""
    return float(run["import"] + run["first"] - run["second"])


def row(name: str, services: list[str], pairs: list[tuple[Run, Run]]) -> Row:
    """Milliseconds of a function, and its ratios to its baseline in the same repeat."""

    def milliseconds(part: str, which: int) -> float:
        return rounded(statistics.median(pair[which][part] for pair in pairs) * 1000)

    return {
        "name": name,
        "services": services,
        "ms": {part: milliseconds(part, 0) for part in ("import", "first", "second")},
        "bare_ms": {part: milliseconds(part, 1) for part in ("import", "first", "second")},
        "import_ratio": spread(mine["import"] / other["import"] for mine, other in pairs),
        "cold_ms": spread(cold(mine) * 1000 for mine, _ in pairs),
        "bare_cold_ms": spread(cold(other) * 1000 for _, other in pairs),
        "cold_ratio": spread(cold(mine) / cold(other) for mine, other in pairs),
    }


def zip_sizes() -> dict[str, Any]:
    """Megabytes of the code alone, with its dependencies as `sam build` installs them, and of boto3 alone."""
    wanted = ROOT / "functions" / "requirements.txt"
    boto3 = next(line for line in wanted.read_text().splitlines() if line.startswith("boto3=="))
    code = len(zip_folder(ROOT / "functions"))
    everything, alone = zipped(["-r", str(wanted)]), zipped([boto3])
    if everything is None or alone is None:
        return {"code_kb": rounded(code / 1e3)}
    return {
        "code_kb": rounded(code / 1e3),
        "mb": rounded((everything + code) / 1e6),
        "bare_mb": rounded(alone / 1e6),
        "ratio": rounded((everything + code) / alone),
    }


def zipped(requirements: list[str]) -> int | None:
    """Bytes of a zip file with these packages; None if they can't be downloaded."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--target", folder, *requirements]
        done = subprocess.run(command, env={**os.environ, "PIP_CONSTRAINT": ""}, capture_output=True, check=False)
        return None if done.returncode else len(zip_folder(Path(folder)))
