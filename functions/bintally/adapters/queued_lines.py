"""The index ByAttention of the consignments table: the lines that wait for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from bintally.adapters.dynamo import Item, count_items, pages, serialised, update
from bintally.adapters.order_lines import queued
from bintally.domain.attention import Acceptance, Group

INDEX = "ByAttention"
PER_PAGE = 100  # keys that are read at a time, because reading may end early

Place = tuple[str, str, str]  # the rank of a line, its consignment and its bin


def accepting(table: str, key: Mapping[str, object], expected: int, acceptance: Acceptance) -> Item:
    """A write that removes a line from the index, unless it has changed or does not wait."""
    changes = {"accepted": asdict(acceptance), **queued(None)}
    condition = "#expected = :expected AND #bin_revision = :revision AND attribute_exists(#attention)"
    return update(table, key, changes, condition, {"expected": expected, "revision": acceptance.bin_revision})


def queued_keys(client: Any, table: str, group: Group, after: Place | None) -> Iterator[tuple[str, str]]:
    """The keys of the lines of a group in the order of their rank, behind `after`, which need not be there any more."""
    options: dict[str, Any] = {"PaginationConfig": {"PageSize": PER_PAGE}}
    if after:
        names = ("attention_rank", "consignment_id", "bin_id")
        place = {"attention": group.value, **dict(zip(names, after, strict=True))}
        options["ExclusiveStartKey"] = serialised(place)
    found = pages(client, "query", TableName=table, **_of(group), **options)
    return ((item["consignment_id"], item["bin_id"]) for item in found)


def count_queued(client: Any, table: str, group: Group, limit: int) -> int:
    """How many lines a group has, at most `limit`."""
    return min(count_items(client, limit, TableName=table, **_of(group)), limit)


def _of(group: Group) -> dict[str, Any]:
    values = {":group": {"S": group.value}}
    condition = {"KeyConditionExpression": "attention = :group", "ExpressionAttributeValues": values}
    return {"IndexName": INDEX, **condition}
