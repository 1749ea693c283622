"""The requests that an image, an order line and an idle minute take, as `bintally cost` assumes them: measured."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from bincli.cost.usage import read_usage
from bintally.adapters.catalogues import ItemCatalogue
from bintally.adapters.events import EventBus
from bintally.domain.changes import Changes
from bintally.domain.image import Image
from bintally.domain.jobs import EngineName, Job, JobResult
from bintally.domain.orders import ReceivedFile
from bintally.domain.policy import InferenceMode
from bintally.usecases.collect import collect
from bintally.usecases.intake import ingest
from bintally.usecases.orders import import_orders
from bintally.usecases.reconcile import reconcile
from bintally.usecases.schedule import run_schedule

from tests.unit.cli.cost.metering import metered
from tests.unit.functions.adapters.contracts.ports import adapters
from tests.unit.functions.aws import aws, client, table
from tests.unit.functions.examples import NOW, RULES, make_images, order_file, prediction
from tests.unit.functions.usecases.runs import POLICY

__all__ = ["aws"]
pytestmark = pytest.mark.slow
NUMBER = 100  # images of one job, one transaction in each step
SETTLED = NOW + timedelta(seconds=1)


@pytest.fixture
def dependencies(aws: None) -> Any:
    made = adapters()
    made.events = EventBus(client("events"))
    buckets = {"bucket": table("OrdersBucket"), "reports_bucket": table("JobsBucket")}
    made.catalogue = ItemCatalogue(client("s3"), **buckets)
    made.intake_queue = SimpleNamespace(depth=lambda: 0)
    made.engine = lambda name: getattr(made, f"{name}_engine")
    return made


def answer(dependencies: Any, job: Job, images: list[Image]) -> JobResult:
    """The model's output for a job, in the jobs bucket."""
    lines = "\n".join(json.dumps(prediction(image)) for image in images)
    key = f"{job.engine}/output/{job.job_id}.out"
    if job.engine is EngineName.BATCH:
        key = f"{job.manifests[0].replace('/input/', '/output/')}.out"
    client("s3").put_object(Bucket=table("JobsBucket"), Key=key, Body=lines.encode())
    if job.engine is EngineName.BATCH:
        return JobResult(job.job_id, job.output_location)
    return JobResult(job.job_id, f"s3://{table('JobsBucket')}/{key}")


def only_job(dependencies: Any) -> Job:
    (job,) = dependencies.jobs.all()
    return job


def per(counts: Mapping[str, int], number: int) -> dict[str, float]:
    return {name: round(count / number, 3) for name, count in sorted(counts.items())}


def about(figures: Mapping[str, float]) -> Any:
    """Within a fifth: the size of a report or a page may change a little."""
    return pytest.approx(dict(figures), rel=0.2, abs=0.02)


def counted(dependencies: Any, mode: InferenceMode) -> Counter[str]:
    """From the announcement to the count."""
    policy, images = replace(POLICY, mode=mode), make_images(NUMBER)
    with metered() as counts:
        ingest(dependencies, images, policy=policy, now=NOW)
        if mode is InferenceMode.BATCH:
            run_schedule(dependencies, policy=policy, now=SETTLED)
    result = answer(dependencies, only_job(dependencies), images)
    with metered() as more:
        collect(dependencies, result, policy=policy, now=SETTLED)
    return counts + more


@pytest.mark.parametrize("mode", [InferenceMode.BATCH, InferenceMode.LAMBDA])
def test_an_image_takes_as_many_requests_as_the_estimate_assumes(dependencies: Any, mode: InferenceMode) -> None:
    assert per(counted(dependencies, mode), NUMBER) == about(read_usage()["image"][mode.value])


def test_an_image_and_an_order_line_take_as_many_requests_as_the_estimate_assumes(dependencies: Any) -> None:
    images = make_images(NUMBER)
    assert per(counted(dependencies, InferenceMode.ASYNC), NUMBER) == about(read_usage()["image"]["async"])
    rows = "\n".join(["consignment_id,bin_id,expected", *(f"C-1,{image.bin_id},3" for image in images)])
    lines = [("C-1", image.bin_id) for image in images]
    with metered() as counts:
        import_orders(dependencies, ReceivedFile(rows.encode(), False), source=order_file(), now=NOW)
        reconcile(dependencies, Changes(lines=lines), rules=RULES, now=NOW)
        reconcile(dependencies, Changes(judged=["C-1"]), rules=RULES, now=NOW)

    assert per(counts, NUMBER) == about(read_usage()["line"])


def test_an_idle_minute_takes_as_many_requests_as_the_estimate_assumes(dependencies: Any) -> None:
    with metered() as counts:
        run_schedule(dependencies, policy=POLICY, now=NOW)
        reconcile(dependencies, Changes(overdue=True), rules=RULES, now=NOW)

    assert per(counts, 1) == about(read_usage()["idle_minute"])
