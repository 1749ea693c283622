"""The consignments table: `consignment_id`, `bin_id` → an order line with its verdict."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from bintally.adapters.cancelled_lines import as_read, cancelling, restoring
from bintally.adapters.dynamo import Item, pages, read_each, update, write_each
from bintally.adapters.order_lines import PARTITIONS, audited, due_partition, key_of, line_from_item, queued, unjudged
from bintally.adapters.queued_lines import Place, accepting, count_queued, queued_keys
from bintally.domain.attention import Acceptance, Group
from bintally.domain.cancellations import Cancellation
from bintally.domain.history import LineRecord
from bintally.domain.risk import odds_facts
from bintally.domain.verdicts import NO_LONGER_ORDERED, WAITING, Finding, OrderLine, Verdict

QUERIES_AT_ONCE = 8
LINES_PER_PAGE = 100  # that are read at a time where reading may end early
RAISED = "(attribute_not_exists(#replace_version) OR #replace_version <= :replace_version)"


class DynamoOrders:
    """The order lines in DynamoDB."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def read(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], OrderLine]:
        wanted = [{"consignment_id": consignment_id, "bin_id": bin_id} for consignment_id, bin_id in keys]
        lines = map(line_from_item, read_each(self._client, self._table, wanted))
        return {(line.consignment_id, line.bin_id): line for line in lines}

    def of_consignment(self, consignment_id: str) -> list[OrderLine]:
        return [line_from_item(item) for item in self._query("consignment_id", consignment_id, ConsistentRead=True)]

    def unless_pending(self, consignment_id: str) -> list[OrderLine]:
        # Photos usually arrive in the order of the lines, so the last lines stay PENDING longest: they are read first.
        backwards = {"ScanIndexForward": False, "PaginationConfig": {"PageSize": LINES_PER_PAGE}}
        lines = []
        for item in self._query("consignment_id", consignment_id, ConsistentRead=True, **backwards):
            line = line_from_item(item)
            if line.verdict is Verdict.PENDING:
                return []
            lines.append(line)
        return lines[::-1]

    def of_consignments(self, consignment_ids: Collection[str]) -> dict[str, list[OrderLine]]:
        wanted = list(dict.fromkeys(consignment_ids))
        with ThreadPoolExecutor(QUERIES_AT_ONCE) as pool:
            found = zip(wanted, pool.map(self.of_consignment, wanted), strict=True)
            return {consignment_id: lines for consignment_id, lines in found if lines}

    def of_bins(self, bin_ids: Collection[str]) -> set[tuple[str, str]]:
        with ThreadPoolExecutor(QUERIES_AT_ONCE) as pool:
            found = pool.map(lambda bin_id: list(self._query("bin_id", bin_id, IndexName="ByBin")), set(bin_ids))
            return {(item["consignment_id"], item["bin_id"]) for items in found for item in items}

    def all(self) -> Iterator[OrderLine]:
        """Every line, by a scan."""
        return (line_from_item(item) for item in pages(self._client, "scan", TableName=self._table))

    def history(self, bin_id: str) -> list[LineRecord]:
        """The order lines of a bin, with their last import and verdict."""
        found = self._query("bin_id", bin_id, IndexName="ByBin")
        keys = [{name: each[name] for name in ("consignment_id", "bin_id")} for each in found]
        items = read_each(self._client, self._table, keys)
        return [LineRecord(line_from_item(each), each["imported_at"], each.get("judged_at", "")) for each in items]

    def due(self, now: str, limit: int) -> list[tuple[str, str]]:
        per_partition = -(-limit // PARTITIONS)
        parts = (islice(self._due(str(number), now), per_partition) for number in range(PARTITIONS))
        return [(item["consignment_id"], item["bin_id"]) for part in parts for item in part]

    def queued(self, group: Group, after: Place | None = None) -> Iterator[tuple[str, str]]:
        """The keys of the lines of a group behind a place, in the order of their rank, a few seconds old."""
        return queued_keys(self._client, self._table, group, after)

    def count_queued(self, group: Group, limit: int) -> int:
        """How many lines a group has. Counting ends at `limit`, and changes of the last seconds may be missing."""
        return count_queued(self._client, self._table, group, limit)

    def accept(self, line: OrderLine, acceptance: Acceptance) -> bool:
        """Note that the verdict on a line was accepted, so it waits no longer; False if the line has changed."""
        write = accepting(self._table, key_of(line), line.expected, acceptance)
        return write_each(self._client, [write]) == [None]

    def put(self, lines: Sequence[OrderLine], now: str) -> None:
        remaining = list(lines)
        while remaining:  # a write is refused only if another import has just written the line: read it again
            held = self.read([(line.consignment_id, line.bin_id) for line in remaining])
            remaining = [line for line in remaining if _is_newer(line, held)]
            refused = write_each(self._client, [self._putting(line, held, now) for line in remaining])
            remaining = [line for line, item in zip(remaining, refused, strict=True) if item is not None]

    def withdraw(self, lines: Sequence[tuple[OrderLine, str]], now: str) -> int:
        changes: dict[str, object] = {"verdict": Verdict.WITHDRAWN.value, "reason": NO_LONGER_ORDERED}
        # It is never due again, and nobody has to look at it.
        changes |= {"judged_at": now, **dict.fromkeys(("overdue", "due_partition")), **queued(None)}
        condition = f"#order_version = :held AND {RAISED}"

        # A line keeps its own version, because the newer file may have it after all and be about to write it.
        def withdrawing(line: OrderLine, version: str) -> Item:
            own = {"replace_version": version, **({"reason": line.cancelled.reason} if line.cancelled else {})}
            return update(self._table, key_of(line), changes | own, condition, {"held": line.order_version})

        refused = write_each(self._client, [withdrawing(*each) for each in lines])
        written = [line for (line, _), item in zip(lines, refused, strict=True) if item is None]
        return sum(line.verdict is not Verdict.WITHDRAWN for line in written)

    def cancel(self, lines: Sequence[OrderLine], cancellation: Cancellation) -> int:
        """Move lines to WITHDRAWN until `restore`; how many moved. A line that is cancelled stays as it is."""
        return write_each(self._client, [cancelling(self._table, line, cancellation) for line in lines]).count(None)

    def restore(self, lines: Sequence[OrderLine], now: str) -> int:
        """End the cancellation of lines; of how many. A line that the newest file has is PENDING again."""
        restored, remaining = 0, [line for line in lines if line.cancelled]
        while remaining:  # a write is refused only if an import, or another restore, has just written the line
            refused = write_each(self._client, [restoring(self._table, line, now) for line in remaining])
            restored += refused.count(None)
            changed = [line.key for line, item in zip(remaining, refused, strict=True) if item is not None]
            remaining = [line for line in self.read(changed).values() if line.cancelled]
        return restored

    def judge(self, findings: Sequence[tuple[OrderLine, Finding, int]], now: str) -> set[tuple[str, str]]:
        refused = write_each(self._client, [self._judging(*finding, now) for finding in findings])
        lines = [line for line, _, _ in findings]
        return {(line.consignment_id, line.bin_id) for line, item in zip(lines, refused, strict=True) if item is None}

    def _putting(self, line: OrderLine, held: dict[tuple[str, str], OrderLine], now: str) -> Item:
        """A line with the same terms only gets the new version. It keeps its verdict, unless that is WITHDRAWN.

        A cancelled line gets the new terms, and stays cancelled.
        """
        old = held.get((line.consignment_id, line.bin_id))
        replaced_by = max(line.replace_version, old.replace_version if old else "")
        changes: dict[str, object] = {"replace_version": replaced_by} if replaced_by else {}
        if old is None or old.order_version < line.order_version:
            changes |= {"order_version": line.order_version} | _terms(line, old, now)
        if old is None:
            return update(self._table, key_of(line), changes, "attribute_not_exists(#order_version)")
        condition = f"#order_version = :held AND {as_read(old)}{f' AND {RAISED}' if replaced_by else ''}"
        return update(self._table, key_of(line), changes, condition, {"held": old.order_version})

    def _judging(self, line: OrderLine, finding: Finding, revision: int, now: str) -> Item:
        changes = {
            "verdict": finding.verdict.value,
            "reason": finding.reason,
            "counted": finding.counted,
            "counted_at_least": finding.counted_at_least,
            **odds_facts(finding.odds),
            "bin_revision": revision,
            "judged_at": now,
            "overdue": finding.overdue or None,
            **due_partition(line, finding.verdict, finding.overdue),
            **queued(finding.attention),
            **audited(finding.audit_share),
        }
        # Compare the terms, not the version: an import of the same terms must not refuse a verdict on them.
        terms: dict[str, object] = {"expected": line.expected, "due_at": line.due_at}
        terms |= {"item_volume_l": line.item_volume_l}
        condition = f"{_has(terms)} AND (attribute_not_exists(#bin_revision) OR #bin_revision <= :bin_revision)"
        condition += " AND #verdict <> :withdrawn"
        return update(self._table, key_of(line), changes, condition, terms | {"withdrawn": Verdict.WITHDRAWN.value})

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


def _terms(line: OrderLine, old: OrderLine | None, now: str) -> dict[str, object]:
    """The attributes of a line, other than its version, that a newer import changes."""
    if old is None or not _keeps_verdict(old, line):
        terms: dict[str, object] = {"expected": line.expected, "due_at": line.due_at, "imported_at": now}
        terms |= {"item_volume_l": line.item_volume_l, "sku": line.sku or None}
        return terms if old and old.cancelled else terms | unjudged(line)
    # Adds lines of tables that are older than the index ByDue.
    return due_partition(line, old.verdict, old.overdue) if old.verdict in WAITING else {}


def _keeps_verdict(old: OrderLine, line: OrderLine) -> bool:
    """Whether the verdict on `old` is one on `line` too: they have the same terms."""
    return old.verdict is not Verdict.WITHDRAWN and old.terms == line.terms


def _has(terms: Mapping[str, object]) -> str:
    """The condition that an item has these values, and no attribute for None."""
    parts = [
        f"attribute_not_exists(#{name})" if value is None else f"#{name} = :{name}" for name, value in terms.items()
    ]
    return " AND ".join(parts)


def _is_newer(line: OrderLine, held: dict[tuple[str, str], OrderLine]) -> bool:
    old = held.get((line.consignment_id, line.bin_id))
    return old is None or old.order_version < line.order_version or old.replace_version < line.replace_version
