"""Conditional writes and strongly consistent reads, many to a request."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from bintally.adapters.errors import store_errors
from bintally.domain.batches import batched

Item = dict[str, Any]
MOST_TO_A_REQUEST = 100  # of TransactWriteItems and BatchGetItem
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0  # seconds, before keys that DynamoDB left for later are asked for again


def serialised(item: Mapping[str, object]) -> Item:
    """The item in DynamoDB's form. Floats become decimals; what is None is left out."""
    plain = {name: _plain(value) for name, value in item.items() if value is not None}
    return {name: TypeSerializer().serialize(value) for name, value in plain.items()}


def deserialised(item: Mapping[str, Any]) -> Item:
    """The item in Python's form; numbers are Decimal."""
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def _plain(value: object) -> object:
    if isinstance(value, float):
        return Decimal(repr(round(value, 6)))
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    return value


def put_new(table: str, item: Mapping[str, object], key: str) -> Item:
    """A write that enters an item unless one with its `key` is there already."""
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


def write_each(client: Any, writes: Sequence[Item]) -> list[Item | None]:
    """Carry out conditional writes, each on its own item: None where written, else the item that refused it.

    Most often none is refused, so they go a hundred to a transaction. Where some are, the others are sent again without
    them; where a transaction fails for another reason, its writes go one by one.
    """
    results: list[Item | None] = []
    with store_errors("Writing to a table"):
        for part in batched(writes, MOST_TO_A_REQUEST):
            results += _transact(client, part)
    return results


def _transact(client: Any, writes: Sequence[Item]) -> list[Item | None]:
    if not writes:
        return []
    try:
        client.transact_write_items(TransactItems=list(writes))
    except client.exceptions.TransactionCanceledException as error:
        reasons = error.response.get("CancellationReasons", [])
        refused = [reason.get("Code") == "ConditionalCheckFailed" for reason in reasons]
        if not any(refused) or any(reason.get("Code") not in ("None", "ConditionalCheckFailed") for reason in reasons):
            return [_write_one(client, write) for write in writes]
        others = iter(_transact(client, [write for write, no in zip(writes, refused, strict=True) if not no]))
        return [
            deserialised(reason.get("Item", {})) if no else next(others)
            for reason, no in zip(reasons, refused, strict=True)
        ]
    return [None] * len(writes)


def _write_one(client: Any, write: Item) -> Item | None:
    try:
        if "Put" in write:
            client.put_item(**write["Put"])
        else:
            client.update_item(**write["Update"])
    except client.exceptions.ConditionalCheckFailedException as error:
        return deserialised(error.response.get("Item", {}))
    return None


def read_each(
    client: Any, table: str, keys: Collection[Mapping[str, object]], pause: Callable[[float], object] = time.sleep
) -> list[Item]:
    """Those of the items with these keys that exist, strongly consistent, in no particular order.

    What DynamoDB leaves for later, for want of capacity, is asked for again after a pause in seconds that doubles.
    """
    found = []
    with store_errors(f"Reading {table}"):
        for part in batched([serialised(key) for key in keys], MOST_TO_A_REQUEST):
            wanted: Any = {table: {"Keys": list(part), "ConsistentRead": True}}
            wait = FIRST_PAUSE
            while wanted:
                answer = client.batch_get_item(RequestItems=wanted)
                found += [deserialised(item) for item in answer["Responses"].get(table, [])]
                wanted = answer.get("UnprocessedKeys")
                if wanted:
                    pause(wait)
                    wait = min(2 * wait, LONGEST_PAUSE)
    return found


def pages(client: Any, operation: str, **request: object) -> Iterator[Item]:
    """Every item that a query or scan finds."""
    with store_errors(f"Reading {request['TableName']}"):
        for page in client.get_paginator(operation).paginate(**request):
            yield from (deserialised(item) for item in page["Items"])
