"""InferenceMode lambda on the local stack: the model function counts, and no endpoint is asked."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from binlocal.stack import PARAMETERS, Stack, running_stack

from tests.stack.conftest import ROOT

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]
PHOTOS = sorted((ROOT / "tests" / "photos").glob("*.jpg"))
DEADLINE = 60.0


def found(stack: Stack, table: str, name: str) -> list[str]:
    items = stack.client("dynamodb").scan(TableName=stack.outputs[table])["Items"]
    return [item[name]["S"] for item in items]


def is_done(stack: Stack) -> bool:
    """A job is closed after its photos."""
    counted = found(stack, "ImagesTable", "status") == ["COUNTED"] * len(PHOTOS)
    return counted and set(found(stack, "JobsTable", "status")) == {"DONE"}


def test_photos_are_counted_by_the_model_function(tmp_path: Path) -> None:
    with running_stack(workdir=tmp_path / "stack", parameters={**PARAMETERS, "InferenceMode": "lambda"}) as stack:
        for number, photo in enumerate(PHOTOS):
            body = photo.read_bytes()
            stack.client("s3").put_object(Bucket=stack.outputs["IntakeBucket"], Key=f"bin-{number}/a.jpg", Body=body)
        deadline = time.monotonic() + DEADLINE
        while not is_done(stack) and time.monotonic() < deadline:
            time.sleep(0.2)

        assert found(stack, "ImagesTable", "status") == ["COUNTED"] * len(PHOTOS)
        assert is_done(stack)
        assert set(found(stack, "JobsTable", "engine")) == {"lambda"}
