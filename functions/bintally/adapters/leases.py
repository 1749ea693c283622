"""The leases table: `bin_id` → who has the bin open at the desk, and until when."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from bintally.adapters.dynamo import Item, read_each, update, write_each
from bintally.domain.queue import Lease

ENDED = "1970-01-01T00:00:00.000Z"
FREE = "attribute_not_exists(#bin_id) OR #who = :who OR #until < :now"


class DynamoLeases:
    """`usecases.queue.Leases` in DynamoDB, which removes leases some time after they ended."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def read(self, bin_ids: Collection[str]) -> Mapping[str, Lease]:
        items = read_each(self._client, self._table, [{"bin_id": bin_id} for bin_id in set(bin_ids)])
        return {item["bin_id"]: Lease(item["bin_id"], item["who"], item["until"]) for item in items}

    def take(self, wanted: Collection[Lease], now: str) -> set[str]:
        writes = [self._changing(lease, FREE, {"now": now}) for lease in wanted]
        return self._written([lease.bin_id for lease in wanted], writes)

    def release(self, bin_ids: Collection[str], who: str) -> set[str]:
        writes = [self._changing(Lease(bin_id, who, ENDED), "#who = :who AND #until > :until") for bin_id in bin_ids]
        return self._written(bin_ids, writes)

    def _changing(self, lease: Lease, condition: str, parameters: Mapping[str, object] | None = None) -> Item:
        expires = int(datetime.fromisoformat(lease.until).timestamp())
        changes = {"who": lease.who, "until": lease.until, "expires": expires}
        return update(self._table, {"bin_id": lease.bin_id}, changes, condition, parameters)

    def _written(self, bin_ids: Collection[str], writes: list[Item]) -> set[str]:
        refused = write_each(self._client, writes)
        return {bin_id for bin_id, item in zip(bin_ids, refused, strict=True) if item is None}
