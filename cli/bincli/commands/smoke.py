"""`bintally smoke`: does a stack count and judge?"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from bintally.domain.canary import PHOTOS, misread_keys

from bincli.deployment import Deployment, open_deployment
from bincli.errors import FAILED, NOTHING_DONE, CommandError, exit_on_error
from bincli.options import Json, Profile, Region, Stack
from bincli.output import Block, Output, Record
from bincli.tables import Column, Table
from bincli.text import Styled, quantity, verb

if TYPE_CHECKING:
    from bintally.usecases.canary import CanaryReport

SEED = 7
NAMESPACE = "bintally"  # of the stack's metrics
MEANING = {
    "cleared": "traces of earlier runs removed",
    "imported": "order imported",
    "uploaded": "photos uploaded",
    "counted": "photos counted",
    "judged": "order lines judged",
    "removed": "traces of this run removed",
}


def smoke(
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    timeout: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="Fail if there are no verdicts after SECONDS.")
    ] = 900,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Also send the result to CloudWatch, for the alarm.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Prove that a stack works, with photos of its own.

    Uploads three drawn photos and an order to the bins and the consignment
    bintally-canary-*, waits for counts and verdicts, and removes every
    trace. Names outside of that prefix are never touched. Safe to repeat: a
    run first removes what an earlier one left. An endpoint that sleeps
    takes minutes to start; transform jobs take minutes, too.

    Events on the bus name the canary like any other bin; alerts leave it
    out. Do not run two at once: they disturb each other.

    With --metrics, CanaryPassed (1 or 0) and CanarySeconds go to CloudWatch.
    The template's parameter SmokeAlarm=on alarms when nothing has passed
    for two hours, or nobody has run it.

    \b
    Exit codes:
      0  the photos were counted and judged
      1  they were not; each fault is named
      2  the stack could not be used, so nothing is known

    \b
    Examples:
      bintally smoke
      bintally smoke --stack prod --timeout 1800
      bintally smoke --stack prod --json | jq '.steps'
    """
    output = Output.standard(as_json)
    with exit_on_error(NOTHING_DONE, "Nothing was proven. "):
        with output.err.status("Counting drawn photos"):
            deployment = open_deployment(stack, region, profile)
            report = run_smoke(deployment, timeout)
        if metrics:
            send_metrics(deployment, report)
        output.emit([record_of(report)], view(report))
    if not report.passed:
        raise typer.Exit(FAILED)


def run_smoke(deployment: Deployment, timeout: float) -> CanaryReport:
    """Run the canary. Raises CommandError if the stack would take its photos for those of other bins."""
    from bintally.adapters.key_patterns import finder_of
    from bintally.usecases.canary import run_canary

    name = deployment.output("IntakeFunction")
    configuration = deployment.functions.get_function_configuration(FunctionName=name)
    pattern = configuration.get("Environment", {}).get("Variables", {}).get("KEY_PATTERN", "")
    for key, bin_id in misread_keys(finder_of(pattern)):
        raise CommandError(
            f"The stack's KeyPattern finds the bin {bin_id!r} in the key {key}, so the canary would change that bin. "
            "Extend the pattern so that keys that begin with bintally-canary- don't match it."
        )
    return run_canary(deployment.canary, drawn_photos(), timeout=timeout)


def send_metrics(deployment: Deployment, report: CanaryReport) -> None:
    """Send the result to CloudWatch, where the stack's functions send theirs."""
    dimensions = [{"Name": "service", "Value": deployment.name}]
    values = [("CanaryPassed", "Count", float(report.passed)), ("CanarySeconds", "Seconds", report.seconds)]
    data = [
        {"MetricName": name, "Dimensions": dimensions, "Unit": unit, "Value": value} for name, unit, value in values
    ]
    deployment.client("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=data)


def drawn_photos() -> dict[str, bytes]:
    """The canary's photos, JPEG, by key. The same bytes in every run."""
    import numpy as np

    from bincli.demo.synthetic import draw_bin

    photos = {}
    for photo in PHOTOS:
        buffer = io.BytesIO()
        draw_bin(photo.boxes, np.random.default_rng([SEED, photo.boxes])).save(buffer, "JPEG", quality=85)
        photos[photo.key] = buffer.getvalue()
    return photos


def record_of(report: CanaryReport) -> Record:
    return {
        "passed": report.passed,
        "seconds": round(report.seconds, 1),
        "steps": dict(report.steps),
        "verdicts": {bin_id: str(verdict) for bin_id, verdict in report.verdicts.items()},
        "faults": list(report.faults),
        "left": report.left,
    }


def view(report: CanaryReport) -> Iterator[Block]:
    """The time of each step, what went wrong, and the conclusion."""
    table = Table([Column("Seconds", right=True), Column("Step")])
    for step, seconds in report.steps.items():
        table.add(f"{seconds:.1f}", MEANING[step])
    yield table
    yield ""
    for fault in report.faults:
        yield Styled(fault, "red")
    if report.left:
        yield (
            f"{quantity(report.left, 'trace')} {verb(report.left, 'is', 'are')} still in progress and "
            f"{verb(report.left, 'stays', 'stay')}. The next run removes what is finished by then."
        )
    yield Styled(*(("Passed.", "green") if report.passed else ("Failed.", "bold red")))
