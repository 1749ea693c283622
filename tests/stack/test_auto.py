"""InferenceMode auto on the local stack: a burst is counted by the model function, a pile by the endpoint or a job."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest
from binlocal.stack import PARAMETERS, Stack, running_stack

from tests.stack.conftest import ROOT

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]
PHOTOS = sorted((ROOT / "tests" / "photos").glob("*.jpg"))
DEADLINE = 90.0
BURST, PILE = 3, 40


def deliver(stack: Stack, name: str, number: int) -> None:
    for index in range(number):
        body = PHOTOS[index % len(PHOTOS)].read_bytes()
        key = f"{name}-{index}/a.jpg"
        stack.client("s3").put_object(Bucket=stack.outputs["IntakeBucket"], Key=key, Body=body)


def counted(stack: Stack, images: int) -> dict[str, tuple[int, str]]:
    """Count and engine of each bin, once all images are counted and all jobs closed."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        items = stack.client("dynamodb").scan(TableName=stack.outputs["ImagesTable"])["Items"]
        jobs = stack.client("dynamodb").scan(TableName=stack.outputs["JobsTable"])["Items"]
        statuses = Counter(item["status"]["S"] for item in items)
        if statuses == {"COUNTED": images} and {job["status"]["S"] for job in jobs} == {"DONE"}:
            return {i["bin_id"]["S"]: (int(i["count"]["N"]), i["job_id"]["S"].partition("-")[0]) for i in items}
        time.sleep(0.2)
    raise AssertionError(statuses)


def test_a_burst_is_counted_by_the_function_and_a_pile_by_another_engine(tmp_path: Path) -> None:
    parameters = {**PARAMETERS, "InferenceMode": "auto", "LambdaThreshold": "5", "BatchThreshold": "20"}
    with running_stack(workdir=tmp_path / "stack", parameters={**parameters, "MicroBatchSize": "50"}) as stack:
        deliver(stack, "burst", BURST)
        burst = counted(stack, BURST)
        deliver(stack, "pile", PILE)
        pile = {name: found for name, found in counted(stack, BURST + PILE).items() if name.startswith("pile")}

    assert {engine for _, engine in burst.values()} == {"lambda"}
    assert {engine for _, engine in pile.values()} & {"async", "batch"}
    for index in range(PILE):
        assert pile[f"pile-{index}"][0] == pile[f"pile-{index % len(PHOTOS)}"][0]
    for index in range(BURST):
        assert burst[f"burst-{index}"][0] == pile[f"pile-{index}"][0]
