"""Conditional writes and strongly consistent reads, many to a request."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from bintally.adapters.backoff import Pause, pause
from bintally.adapters.errors import store_errors
from bintally.domain.batches import batched
from bintally.domain.errors import StoreError

Item = dict[str, Any]
MAX_ITEMS = 100  # of TransactWriteItems and BatchGetItem
MAX_CONFLICTS = 6  # with transactions of others, before a write fails
NO_ERROR, REFUSED, CONFLICT = "None", "ConditionalCheckFailed", "TransactionConflict"  # reasons of a cancellation
FIRST_PAUSE, MAX_PAUSE = 0.05, 2.0  # seconds, before unprocessed keys are requested again


def serialised(item: Mapping[str, object]) -> Item:
    """The item in DynamoDB's format. Floats become decimals, and None is left out."""
    plain = {name: _plain(value) for name, value in item.items() if value is not None}
    return {name: TypeSerializer().serialize(value) for name, value in plain.items()}


def deserialised(item: Mapping[str, Any]) -> Item:
    """The item as Python values. Numbers are Decimal."""
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def _plain(value: object) -> object:
    if isinstance(value, float):
        return Decimal(repr(round(value, 6)))
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    return value


def put_new(table: str, item: Mapping[str, object], key: str) -> Item:
    """A write that adds an item unless the table has one with its `key`."""
    return {
        "Put": {
            "TableName": table,
            "Item": serialised(item),
            "ConditionExpression": "attribute_not_exists(#key)",
            "ExpressionAttributeNames": {"#key": key},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def update(
    table: str,
    key: Mapping[str, object],
    changes: Mapping[str, object],
    condition: str,
    parameters: Mapping[str, object] | None = None,
    increment: str = "",
) -> Item:
    """A write that changes one item if `condition` holds.

    `changes` sets attributes, or removes those that are None. In `condition` an attribute is `#name`, and a value
    `:name`, taken from `parameters` or else from `changes`. `increment` names a number that grows by one.
    """
    sets = [f"#{name} = :{name}" for name, value in changes.items() if value is not None]
    removes = [f"#{name}" for name, value in changes.items() if value is None]
    expression = f"SET {', '.join(sets)}"
    expression += f" REMOVE {', '.join(removes)}" if removes else ""
    expression += f" ADD #{increment} :one" if increment else ""
    values = {**changes, **(parameters or {}), **({"one": 1} if increment else {})}
    used = set(re.findall(r":(\w+)", f"{expression} {condition}"))
    return {
        "Update": {
            "TableName": table,
            "Key": serialised(key),
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {
                f"#{name}": name for name in re.findall(r"#(\w+)", f"{expression} {condition}")
            },
            "ExpressionAttributeValues": {f":{n}": v for n, v in serialised(values).items() if n in used},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def write_each(client: Any, writes: Sequence[Item], pause: Pause = pause) -> list[Item | None]:
    """Carry out conditional writes, each on its own item: None where written, else the item that refused it.

    Usually no write is refused, so they go a hundred to a transaction. If some are refused, the others are sent again
    without them. If another transaction has one of the items, the same writes are sent again after a pause. If a
    transaction fails for another reason, its writes go one by one.
    """
    results: list[Item | None] = []
    with store_errors("Writing to a table"):
        for part in batched(writes, MAX_ITEMS):
            results += _transact(client, part, pause)
    return results


def write_all(client: Any, writes: Sequence[Item], pause: Pause = pause) -> bool:
    """Carry out all of these conditional writes, or none: whether they were written. Raises StoreError.

    None is written if one is refused, or if other transactions have one of the items at each of several attempts.
    """
    with store_errors("Writing to tables"):
        codes = _cancellation(client, writes, pause)
    if codes is None:
        return True
    if others := {code for code, _ in codes} - {NO_ERROR, REFUSED, CONFLICT}:
        raise StoreError(f"Writing to tables: {', '.join(sorted(others))}")
    return False


def _transact(client: Any, writes: Sequence[Item], pause: Pause) -> list[Item | None]:
    if not writes:
        return []
    codes = _cancellation(client, writes, pause)
    if codes is None:
        return [None] * len(writes)
    refused = [code == REFUSED for code, _ in codes]
    if not any(refused) or any(code not in (NO_ERROR, REFUSED) for code, _ in codes):
        return [_write_one(client, write, pause) for write in writes]
    others = iter(_transact(client, [write for write, no in zip(writes, refused, strict=True) if not no], pause))
    return [item if no else next(others) for (_, item), no in zip(codes, refused, strict=True)]


def _cancellation(client: Any, writes: Sequence[Item], pause: Pause) -> list[tuple[str, Item]] | None:
    """Send one transaction. None if it is written, else the code of each write and the item that refused it.

    A conflict is sent again: neither DynamoDB nor botocore does that for TransactWriteItems.
    """
    codes: list[tuple[str, Item]] = []
    for attempt in range(MAX_CONFLICTS):
        try:
            client.transact_write_items(TransactItems=list(writes))
        except client.exceptions.TransactionCanceledException as error:
            reasons = error.response.get("CancellationReasons", [])
            codes = [(reason.get("Code", NO_ERROR), deserialised(reason.get("Item", {}))) for reason in reasons]
            if not any(code == CONFLICT for code, _ in codes):
                return codes
            pause(attempt)
        else:
            return None
    return codes


def _write_one(client: Any, write: Item, pause: Pause) -> Item | None:
    operation, request = (client.put_item, write["Put"]) if "Put" in write else (client.update_item, write["Update"])
    for attempt in range(MAX_CONFLICTS):
        try:
            operation(**request)
        except client.exceptions.ConditionalCheckFailedException as error:
            return deserialised(error.response.get("Item", {}))
        except client.exceptions.TransactionConflictException:
            pause(attempt)
        else:
            return None
    raise StoreError(f"Another transaction held an item of {request['TableName']} at each of {MAX_CONFLICTS} attempts.")


def read_each(
    client: Any, table: str, keys: Collection[Mapping[str, object]], pause: Callable[[float], object] = time.sleep
) -> list[Item]:
    """The items with these keys that exist, strongly consistent, in any order.

    Keys that DynamoDB left unprocessed, when it throttles, are requested again after a pause that doubles.
    """
    found = []
    with store_errors(f"Reading {table}"):
        for part in batched([serialised(key) for key in keys], MAX_ITEMS):
            wanted: Any = {table: {"Keys": list(part), "ConsistentRead": True}}
            wait = FIRST_PAUSE
            while wanted:
                response = client.batch_get_item(RequestItems=wanted)
                found += [deserialised(item) for item in response["Responses"].get(table, [])]
                wanted = response.get("UnprocessedKeys")
                if wanted:
                    pause(wait)
                    wait = min(2 * wait, MAX_PAUSE)
    return found


def pages(client: Any, operation: str, **request: object) -> Iterator[Item]:
    """Every item that a query or scan finds."""
    with store_errors(f"Reading {request['TableName']}"):
        for page in client.get_paginator(operation).paginate(**request):
            yield from (deserialised(item) for item in page["Items"])


def count_items(client: Any, limit: int, **request: Any) -> int:
    """How many items a query finds, without reading them. Ends after the page that reaches `limit`."""
    total = 0
    with store_errors(f"Reading {request['TableName']}"):
        for page in client.get_paginator("query").paginate(Select="COUNT", **request):
            total += page["Count"]
            if total >= limit:
                break
    return total
