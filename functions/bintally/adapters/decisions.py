"""The decisions table: `bin_id`, `decision_id` → what a person said about a photo of a bin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, timedelta
from itertools import islice
from typing import Any

from bintally.adapters.bins import deciding
from bintally.adapters.dynamo import Item, pages, put_new, update, write_all
from bintally.domain.bins import BinCount
from bintally.domain.decisions import DecidedLine, Decision
from bintally.domain.verdicts import Verdict


def decision_from_item(item: Item) -> Decision:
    """The decision in an item."""
    names = ("bin_id", "decision_id", "image_id", "who", "decided_at", "blind")
    optional = ("reason_code", "undone_by", "undone_at")
    return Decision(
        **{name: item[name] for name in names},
        **{name: item.get(name, "") for name in optional},
        seconds=_number(item, "seconds"),
        selection_probability=_number(item, "selection_probability"),
        count=None if item["cannot_tell"] else int(item["count"]),
        lines=tuple(map(_line, item.get("lines", []))),
        bin_revision=int(item["bin_revision"]),
    )


def days_of(begins: str, ends: str) -> list[str]:
    """The days (ISO 8601, UTC) that a period touches, the first one first."""
    first, last = date.fromisoformat(begins[:10]), date.fromisoformat(ends[:10])
    return [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]


def _number(item: Item, name: str) -> float | None:
    return float(item[name]) if name in item else None


def _line(facts: Item) -> DecidedLine:
    order = facts["consignment_id"], int(facts["expected"]), facts["order_version"]
    return DecidedLine(*order, Verdict(facts["verdict"]), facts.get("audit", False))


def _facts(line: DecidedLine) -> Item:
    facts = {**asdict(line), "verdict": line.verdict.value}
    return {name: value for name, value in facts.items() if value is not False}


class DynamoDecisions:
    """`usecases.decide.Decisions` in DynamoDB, with the table of the bins that show them."""

    def __init__(self, client: Any, table: str, bins_table: str) -> None:
        self._client = client
        self._table = table
        self._bins_table = bins_table

    def of_bin(self, bin_id: str) -> list[Decision]:
        found = pages(
            self._client,
            "query",
            TableName=self._table,
            KeyConditionExpression="bin_id = :bin_id",
            ExpressionAttributeValues={":bin_id": {"S": bin_id}},
            ConsistentRead=True,
        )
        return sorted(map(decision_from_item, found), key=lambda each: (each.decided_at, each.decision_id))

    def between(self, begins: str, ends: str) -> list[Decision]:
        """The decisions from `begins` to before `ends`, the oldest first. Those of the last seconds may be missing."""
        return [decision_from_item(item) for day in days_of(begins, ends) for item in self._of_day(day, begins, ends)]

    def first(self, begins: str, ends: str, limit: int) -> list[Decision]:
        """At most `limit` decisions from `begins` to before `ends`, the oldest first, without reading many more."""
        found = (item for day in days_of(begins, ends) for item in self._of_day(day, begins, ends, limit))
        return [decision_from_item(item) for item in islice(found, limit)]

    def _of_day(self, day: str, begins: str, ends: str, per_page: int | None = None) -> Iterator[Item]:
        values = {":day": {"S": day}, ":begins": {"S": begins}, ":ends": {"S": ends}}
        found = pages(
            self._client,
            "query",
            TableName=self._table,
            IndexName="ByDay",
            KeyConditionExpression="decided_on = :day AND decided_at BETWEEN :begins AND :ends",
            ExpressionAttributeValues=values,
            **({"Limit": per_page} if per_page else {}),
        )
        return (item for item in found if item["decided_at"] < ends)

    def all(self) -> Iterator[Decision]:
        """Every decision, by a scan."""
        return (decision_from_item(item) for item in pages(self._client, "scan", TableName=self._table))

    def add(self, decision: Decision, shown: BinCount | None) -> bool:
        facts = {name: value for name, value in asdict(decision).items() if value not in ("", ())}
        lines = list(map(_facts, decision.lines)) or None
        facts |= {"cannot_tell": decision.cannot_tell, "lines": lines, "decided_on": decision.decided_at[:10]}
        return self._write(put_new(self._table, facts, "decision_id"), shown)

    def mark_undone(self, decision: Decision, shown: BinCount | None) -> bool:
        key = {"bin_id": decision.bin_id, "decision_id": decision.decision_id}
        changes = {"undone_by": decision.undone_by, "undone_at": decision.undone_at}
        condition = "attribute_exists(#decision_id) AND attribute_not_exists(#undone_by)"
        return self._write(update(self._table, key, changes, condition), shown)

    def _write(self, write: Item, shown: BinCount | None) -> bool:
        return write_all(self._client, [write, *([deciding(self._bins_table, shown)] if shown else [])])
