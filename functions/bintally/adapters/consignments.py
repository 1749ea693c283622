"""The consignments table: `consignment_id`, `bin_id` → an order line with its verdict."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from bintally.adapters.dynamo import Item, pages, read_each, update, write_each
from bintally.domain.verdicts import NOT_COUNTED, WAITING, Finding, OrderLine, Verdict

QUERIES_AT_ONCE = 8
PARTITIONS = 8  # of the index ByDue, over which the lines of one order are spread


def line_of(item: Item) -> OrderLine:
    """The order line in a consignment item."""
    return OrderLine(
        consignment_id=item["consignment_id"],
        bin_id=item["bin_id"],
        expected=int(item["expected"]),
        due_at=item.get("due_at"),
        order_version=item["order_version"],
        verdict=Verdict(item["verdict"]),
        reason=item["reason"],
        counted=int(item["counted"]) if "counted" in item else None,
        bin_revision=int(item.get("bin_revision", 0)),
        counted_at_least=int(item["counted_at_least"]) if "counted_at_least" in item else None,
        overdue=item.get("overdue", False),
    )


def clock_of(line: OrderLine, verdict: Verdict, overdue: bool) -> dict[str, object]:
    """What puts a line into the index ByDue, in which the clock looks, or takes it out."""
    waits = line.due_at is not None and verdict in WAITING and not overdue
    return {"due_partition": str(zlib.crc32("\0".join(line.key).encode()) % PARTITIONS) if waits else None}


class DynamoOrders:
    """The order lines in DynamoDB."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def read(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], OrderLine]:
        wanted = [{"consignment_id": consignment_id, "bin_id": bin_id} for consignment_id, bin_id in keys]
        lines = map(line_of, read_each(self._client, self._table, wanted))
        return {(line.consignment_id, line.bin_id): line for line in lines}

    def of_consignment(self, consignment_id: str) -> list[OrderLine]:
        return [line_of(item) for item in self._query("consignment_id", consignment_id, ConsistentRead=True)]

    def of_bins(self, bin_ids: Collection[str]) -> set[tuple[str, str]]:
        with ThreadPoolExecutor(QUERIES_AT_ONCE) as pool:
            found = pool.map(lambda bin_id: list(self._query("bin_id", bin_id, IndexName="ByBin")), set(bin_ids))
            return {(item["consignment_id"], item["bin_id"]) for items in found for item in items}

    def all(self) -> Iterator[OrderLine]:
        """Every line, by a scan."""
        return (line_of(item) for item in pages(self._client, "scan", TableName=self._table))

    def due(self, now: str, most: int) -> list[tuple[str, str]]:
        share = -(-most // PARTITIONS)
        parts = (islice(self._due(str(number), now), share) for number in range(PARTITIONS))
        return [(item["consignment_id"], item["bin_id"]) for part in parts for item in part]

    def put(self, lines: Sequence[OrderLine], now: str) -> None:
        remaining = list(lines)
        while remaining:  # a write is refused only where another import wrote that line meanwhile: look again
            held = self.read([(line.consignment_id, line.bin_id) for line in remaining])
            remaining = [line for line in remaining if _is_news(line, held)]
            refused = write_each(self._client, [self._putting(line, held, now) for line in remaining])
            remaining = [line for line, item in zip(remaining, refused, strict=True) if item is not None]

    def judge(self, findings: Sequence[tuple[OrderLine, Finding, int]], now: str) -> set[tuple[str, str]]:
        refused = write_each(self._client, [self._judging(*finding, now) for finding in findings])
        lines = [line for line, _, _ in findings]
        return {(line.consignment_id, line.bin_id) for line, item in zip(lines, refused, strict=True) if item is None}

    def _putting(self, line: OrderLine, held: dict[tuple[str, str], OrderLine], now: str) -> Item:
        """A line that says the same as before only moves to the new version: its verdict stands."""
        changes: dict[str, object] = {"order_version": line.order_version}
        old = held.get((line.consignment_id, line.bin_id))
        if old is None or (old.expected, old.due_at) != (line.expected, line.due_at):
            changes |= {"expected": line.expected, "due_at": line.due_at, "imported_at": now}
            changes |= {"verdict": Verdict.PENDING.value, "reason": NOT_COUNTED, "bin_revision": None, "overdue": None}
            changes |= {"counted": None, "counted_at_least": None} | clock_of(line, Verdict.PENDING, False)
        elif old.verdict in WAITING:  # a table older than the index learns of the line, too
            changes |= clock_of(line, old.verdict, old.overdue)
        condition = "attribute_not_exists(#order_version)"
        if old is not None:
            condition = "#order_version = :held"
        return update(self._table, _key(line), changes, condition, {"held": old.order_version if old else None})

    def _judging(self, line: OrderLine, finding: Finding, revision: int, now: str) -> Item:
        changes = {
            "verdict": finding.verdict.value,
            "reason": finding.reason,
            "counted": finding.counted,
            "counted_at_least": finding.counted_at_least,
            "bin_revision": revision,
            "judged_at": now,
            "overdue": finding.overdue or None,
            **clock_of(line, finding.verdict, finding.overdue),
        }
        # The terms, not the version: the same terms imported again must not refuse a verdict on them.
        terms = "#expected = :expected AND " + ("#due_at = :due_at" if line.due_at else "attribute_not_exists(#due_at)")
        condition = f"{terms} AND (attribute_not_exists(#bin_revision) OR #bin_revision <= :bin_revision)"
        return update(self._table, _key(line), changes, condition, {"expected": line.expected, "due_at": line.due_at})

    def _due(self, partition: str, now: str) -> Iterator[Item]:
        return pages(
            self._client,
            "query",
            TableName=self._table,
            IndexName="ByDue",
            KeyConditionExpression="due_partition = :partition AND due_at <= :now",
            ExpressionAttributeValues={":partition": {"S": partition}, ":now": {"S": now}},
        )

    def _query(self, name: str, value: str, **options: object) -> Iterator[Item]:
        return pages(
            self._client,
            "query",
            TableName=self._table,
            KeyConditionExpression="#name = :value",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues={":value": {"S": value}},
            **options,
        )


def _is_news(line: OrderLine, held: dict[tuple[str, str], OrderLine]) -> bool:
    old = held.get((line.consignment_id, line.bin_id))
    return old is None or old.order_version < line.order_version


def _key(line: OrderLine) -> dict[str, object]:
    return {"consignment_id": line.consignment_id, "bin_id": line.bin_id}
