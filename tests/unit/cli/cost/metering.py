"""What DynamoDB, S3 and EventBridge would bill for what the adapters do, counted at the SDK."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from tests.template.deployed import stack
from tests.unit.functions.aws import client

SERVICES = ("dynamodb", "s3", "events")
READ_BYTES, WRITE_BYTES = 4096, 1024
TRANSACTION = 2  # units for one
Item = Mapping[str, Any]


class Meter:
    """Units and requests by kind: write_units, index_units, read_units, puts, gets, events."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._before: dict[str, dict[str, Item]] = {}

    def call(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        match model.service_model.service_name, model.name:
            case "s3", "GetObject" | "HeadObject":
                self.counts["gets"] += 1
            case "s3", _:
                self.counts["puts"] += 1
            case "events", "PutEvents":
                self.counts["events"] += len(params["Entries"])
            case "dynamodb", "TransactWriteItems" | "PutItem" | "UpdateItem" | "DeleteItem":
                self._before = {name: items_of(name) for name in tables()}

    def answered(self, parsed: Mapping[str, Any], model: Any, params: Any = None, **_: Any) -> None:
        if model.service_model.service_name != "dynamodb":
            return
        match model.name:
            case "TransactWriteItems" | "PutItem" | "UpdateItem" | "DeleteItem":
                units = TRANSACTION if model.name == "TransactWriteItems" else 1
                for name in tables():
                    self._written(name, units)
            case "BatchGetItem" | "GetItem":
                found = [item for items in parsed.get("Responses", {}).values() for item in items]
                found += [parsed["Item"]] if "Item" in parsed else []
                self.counts["read_units"] += sum(math.ceil(size_of(item) / READ_BYTES) for item in found)
            case "Query" | "Scan":
                size = sum(size_of(item) for item in parsed["Items"])
                self.counts["read_units"] += max(1, math.ceil(size / READ_BYTES))

    def _written(self, name: str, units: int) -> None:
        after = items_of(name)
        for key, item in after.items():
            old = self._before[name].get(key)
            if old != item:
                size = max(size_of(item), size_of(old or {}))
                self.counts["write_units"] += units * math.ceil(size / WRITE_BYTES)
                self.counts["index_units"] += sum(index_writes(index, old, item) for index in indexes_of(name))


def tables() -> list[str]:
    return list(client("dynamodb").list_tables()["TableNames"])


def definition_of(name: str) -> Mapping[str, Any]:
    found = stack().of_type("AWS::DynamoDB::Table").values()
    return next(each for each in found if each["TableName"] == name)


def indexes_of(name: str) -> list[Mapping[str, Any]]:
    return list(definition_of(name).get("GlobalSecondaryIndexes", []))


def items_of(name: str) -> dict[str, Item]:
    keys = [each["AttributeName"] for each in definition_of(name)["KeySchema"]]
    pages = client("dynamodb").get_paginator("scan").paginate(TableName=name)
    return {json.dumps([item[key] for key in keys]): item for page in pages for item in page["Items"]}


def size_of(item: Item) -> int:
    """About the bytes of an item, as DynamoDB counts them: names and values."""
    plain = {name: TypeDeserializer().deserialize(value) for name, value in item.items()}
    return sum(len(name) + len(str(value).encode()) for name, value in plain.items())


def index_writes(index: Mapping[str, Any], old: Item | None, new: Item) -> int:
    """Units of a global index for one write: none if nothing in it changes, two if its key does."""
    keys = [each["AttributeName"] for each in index["KeySchema"]]
    before, after = _entry(index, keys, old), _entry(index, keys, new)
    if before == after:
        return 0
    moved = before and after and any(before[key] != after[key] for key in keys)
    return 2 if moved else 1


def _entry(index: Mapping[str, Any], keys: list[str], item: Item | None) -> Item | None:
    if item is None or any(key not in item for key in keys):
        return None
    projection = index["Projection"]
    if projection["ProjectionType"] == "ALL":
        return item
    return {name: item.get(name) for name in [*keys, *projection.get("NonKeyAttributes", [])]}


@contextmanager
def metered() -> Iterator[Counter[str]]:
    """Counts while the block runs. Reads are counted as strongly consistent, which is what the functions ask for."""
    meter, quiet = Meter(), []

    def call(**event: Any) -> None:
        if not quiet:  # not the meter's own requests
            quiet.append(True)
            try:
                meter.call(**event)
            finally:
                quiet.clear()

    def answered(**event: Any) -> None:
        if not quiet:
            quiet.append(True)
            try:
                meter.answered(**event)
            finally:
                quiet.clear()

    hooks = [("before-parameter-build", call), ("after-call", answered)]
    for service in SERVICES:
        for name, hook in hooks:
            client(service).meta.events.register(f"{name}.{service}.*", hook)
    try:
        yield meter.counts
    finally:
        for service in SERVICES:
            for name, hook in hooks:
                client(service).meta.events.unregister(f"{name}.{service}.*", hook)
