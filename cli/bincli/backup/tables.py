"""Items from and into DynamoDB tables, as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

from bincli.backup.files import Item
from bincli.progress import ProgressCallback

# In the order in which they are restored: an image names a job, and what is counted is in its bin.
TABLES = {
    "jobs": "JobsTable",
    "bins": "BinsTable",
    "images": "ImagesTable",
    "consignments": "ConsignmentsTable",
    "decisions": "DecisionsTable",
}
LATER = frozenset({"DecisionsTable"})  # what stacks of earlier versions lack
WRITERS = 8
CHUNK = 1_000  # items that wait for a writer


@dataclass(frozen=True)
class Restored:
    """How many items were written to a table, and how many were kept as they are."""

    table: str
    written: int
    kept: int


def items_of(dynamodb: Any, table: str) -> Iterator[Item]:
    """Every item of a table. One that changes meanwhile is there in one of its states."""
    for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from page["Items"]


def restore_items(
    dynamodb: Any, table: str, items: Iterable[Item], *, overwrite: bool, on_progress: ProgressCallback
) -> Restored:
    """Put items into a table. Those that it has are kept, unless `overwrite`. Safe to repeat."""
    key = dynamodb.describe_table(TableName=table)["Table"]["KeySchema"][0]["AttributeName"]
    condition: dict[str, Any] = {
        "ConditionExpression": "attribute_not_exists(#key)",
        "ExpressionAttributeNames": {"#key": key},
    }

    def put(item: Item) -> bool:
        try:
            dynamodb.put_item(TableName=table, Item=item, **({} if overwrite else condition))
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    waiting = iter(items)
    done = written = 0
    with ThreadPoolExecutor(WRITERS) as pool:
        while chunk := list(islice(waiting, CHUNK)):
            written += sum(pool.map(put, chunk))
            done += len(chunk)
            on_progress(done)
    return Restored(table, written, done - written)
