"""The checks table: `day`, `check_id` → what a person said about a photo that was counted already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bintally.adapters.decisions import days_of
from bintally.adapters.dynamo import Item, pages, serialised
from bintally.adapters.errors import store_errors
from bintally.domain.checks import KEPT, Basis, Check


class DynamoChecks:
    """`usecases.checks.Checks` in DynamoDB, which removes answers some time after they are KEPT long enough."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def put(self, check: Check) -> None:
        expires = int((datetime.fromisoformat(check.at) + KEPT).timestamp())
        item = {**asdict(check), "basis": check.basis.value, "day": check.at[:10], "expires": expires}
        with store_errors("Writing a check"):
            self._client.put_item(TableName=self._table, Item=serialised(item))

    def between(self, begins: str, ends: str) -> list[Check]:
        items = (item for day in days_of(begins, ends) for item in self._of_day(day))
        found = [_check(item) for item in items if begins <= item["at"] < ends]
        return sorted(found, key=lambda each: (each.at, each.check_id))

    def _of_day(self, day: str) -> Iterator[Item]:
        return pages(
            self._client,
            "query",
            TableName=self._table,
            KeyConditionExpression="#day = :day",
            ExpressionAttributeNames={"#day": "day"},
            ExpressionAttributeValues={":day": {"S": day}},
            ConsistentRead=True,
        )


def _check(item: Item) -> Check:
    names = ("check_id", "bin_id", "image_id", "who", "at")
    return Check(
        **{name: item[name] for name in names},
        count=int(item["count"]) if "count" in item else None,
        seconds=float(item["seconds"]) if "seconds" in item else None,
        known=int(item["known"]),
        basis=Basis(item["basis"]),
    )
