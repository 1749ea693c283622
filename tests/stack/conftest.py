"""One local stack for all end-to-end tests; they run in one worker (xdist_group) and each uses bins of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bincli.demo.synthetic import draw_bins
from binlocal.stack import Stack, running_stack
from binmodel.artifact import shipped

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 90.0  # seconds; a bound, not a wait


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if not (shipped() / "model.json").exists():
        pytest.skip(f"There is no model in {shipped()}; training/package.py makes one.")
    with running_stack(workdir=tmp_path_factory.mktemp("stack"), schedule_seconds=2) as running:
        yield running


@pytest.fixture(scope="session")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return [path.read_bytes() for path in draw_bins(tmp_path_factory.mktemp("drawings"), 10)]


def eventually(look: Callable[[], Any], what: str) -> Any:
    """The first truthy answer of `look`; fails when there is none before the deadline."""
    deadline = time.monotonic() + DEADLINE
    while not (answer := look()):
        assert time.monotonic() < deadline, f"waited {DEADLINE:.0f} s in vain: {what}"
        time.sleep(0.2)
    return answer


class Floor:
    """What staff see and do, on a running stack."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.s3 = stack.client("s3")
        self.dynamodb = stack.client("dynamodb")

    def drop(self, key: str, body: bytes) -> str:
        """Put a photo; its version id."""
        return str(self.s3.put_object(Bucket=self.stack.outputs["IntakeBucket"], Key=key, Body=body)["VersionId"])

    def order(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=self.stack.outputs["OrdersBucket"], Key=key, Body=body)

    def bin(self, bin_id: str) -> dict[str, Any]:
        answer = self.dynamodb.get_item(
            TableName=self.stack.outputs["BinsTable"], Key={"bin_id": {"S": bin_id}}, ConsistentRead=True
        )
        return plain(answer.get("Item", {}))

    def images(self, **wanted: str) -> list[dict[str, Any]]:
        """The ledger entries whose attributes begin with the wanted values."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.stack.outputs["ImagesTable"])
        items = [plain(item) for page in pages for item in page["Items"]]
        return [i for i in items if all(str(i.get(name, "")).startswith(value) for name, value in wanted.items())]

    def lines(self, consignment_id: str) -> dict[str, dict[str, Any]]:
        answer = self.dynamodb.query(
            TableName=self.stack.outputs["ConsignmentsTable"],
            KeyConditionExpression="consignment_id = :c",
            ExpressionAttributeValues={":c": {"S": consignment_id}},
            ConsistentRead=True,
        )
        return {item["bin_id"]["S"]: plain(item) for item in answer["Items"]}

    def invoke(self, function: str, event: object) -> Any:
        answer = self.stack.client("lambda").invoke(
            FunctionName=self.stack.outputs[function], Payload=json.dumps(event).encode()
        )
        payload = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, payload
        return payload


def plain(item: dict[str, Any]) -> dict[str, Any]:
    return {name: next(iter(value.values())) for name, value in item.items()}


@pytest.fixture
def floor(stack: Stack) -> Floor:
    return Floor(stack)
