"""The images table: `image_id` → one version of one object in the intake bucket."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from bintally.adapters.dynamo import Item, count_items, deserialised, pages, put_new, read_each, update, write_each
from bintally.adapters.errors import store_errors
from bintally.adapters.items import (
    attributes_of_image,
    attributes_of_result,
    entry_from_item,
    photo_record_from_item,
)
from bintally.domain.history import PhotoRecord
from bintally.domain.image import Image, LedgerEntry, Status, may_follow
from bintally.domain.manifest import Prediction, PredictionError
from bintally.domain.transitions import Completion, Requeue

PARTITIONS = 8  # of the index Pending
RESULT = ("count", "at_least", "confidence", "probabilities", "empty", "over_range", "interval", "volume")
NOT_PENDING: Mapping[str, object] = {"pending": None, "due_at": None}


def partition_of(image_id: str) -> str:
    """The partition of a pending image in the index. A flood of images spreads over all partitions."""
    return str(int(image_id[0], 16) % PARTITIONS)


def pending_from(image_id: str, due_at: str) -> dict[str, object]:
    return {"pending": partition_of(image_id), "due_at": due_at}


def _held_by(job_id: str) -> tuple[str, dict[str, object]]:
    """A condition with its parameters: the job holds the image."""
    return "#status = :submitted AND #job_id = :holder", {"submitted": Status.SUBMITTED.value, "holder": job_id}


def _open_to(status: Status, job_id: str) -> tuple[str, dict[str, object]]:
    """A condition with its parameters: the job may move the image to this status."""
    if status is Status.FAILED:
        return _held_by(job_id)
    before = [old for old in Status if may_follow(old, status)]
    open_to: dict[str, object] = {f"from{number}": old.value for number, old in enumerate(before)}
    held, holder = _held_by(job_id)
    # `LedgerEntry.takes_result_of`, as a condition.
    first = f"#status IN ({', '.join(f':{name}' for name in open_to)}) AND attribute_not_exists(#recounts)"
    return f"({first}) OR (attribute_exists(#recounts) AND {held})", {**open_to, **holder}


def _attributes_of(completion: Completion, now: str) -> dict[str, object]:
    """What the ledger keeps of a completion."""
    result = completion.result
    changes: dict[str, object] = {"status": completion.status.value, "reason": completion.reason or None}
    changes |= {"completed_at": now, "code": result.code if isinstance(result, PredictionError) else None}
    if isinstance(result, Prediction):
        changes |= attributes_of_result(result)
    elif result is not None:
        changes |= dict.fromkeys(RESULT)  # of an earlier count
    if result is not None:
        changes["model"] = result.model or None
    return {**changes, **NOT_PENDING}


class DynamoLedger:
    """The ledger in DynamoDB. Images that no job holds are in its index `Pending`."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def read(self, image_ids: Collection[str]) -> dict[str, LedgerEntry]:
        items = read_each(self._client, self._table, [{"image_id": image_id} for image_id in image_ids])
        return {item["image_id"]: entry_from_item(item) for item in items}

    def all(self) -> Iterator[LedgerEntry]:
        """Every entry, by a scan."""
        return (entry_from_item(item) for item in pages(self._client, "scan", TableName=self._table))

    def records(self, image_ids: Collection[str]) -> dict[str, PhotoRecord]:
        """What became of those photos that the ledger has, by image id."""
        items = read_each(self._client, self._table, [{"image_id": image_id} for image_id in image_ids])
        return {item["image_id"]: photo_record_from_item(item) for item in items}

    def history(self, bin_id: str) -> list[PhotoRecord]:
        """All photos of a bin. Those of the last seconds may be missing."""
        found = pages(
            self._client,
            "query",
            TableName=self._table,
            IndexName="ByBin",
            KeyConditionExpression="bin_id = :bin_id",
            ExpressionAttributeValues={":bin_id": {"S": bin_id}},
        )
        keys = [{"image_id": item["image_id"]} for item in found]
        return [photo_record_from_item(item) for item in read_each(self._client, self._table, keys)]

    def register(self, images: Sequence[Image], job_id: str, now: str) -> None:
        facts = {"status": Status.SUBMITTED.value, "job_id": job_id, "attempts": 1, "submitted_at": now}
        self._enter(images, facts, now)

    def receive(self, images: Sequence[Image], now: str) -> None:
        self._enter(images, {"status": Status.RECEIVED.value, "attempts": 0}, now, pending=True)

    def reject(self, image: Image, reason: str, now: str, code: str = "") -> None:
        facts: Item = {"status": Status.REJECTED.value, "reason": reason, "code": code or None}
        facts |= {"attempts": 0, "completed_at": now}
        self._enter([image], facts, now)

    def of_job(self, job_id: str) -> list[str]:
        named = pages(
            self._client,
            "query",
            TableName=self._table,
            IndexName="ByJob",
            KeyConditionExpression="job_id = :job_id",
            ExpressionAttributeValues={":job_id": {"S": job_id}},
        )
        return [item["image_id"] for item in named]

    def pending(self, now: str, limit: int) -> list[LedgerEntry]:
        per_partition = -(-limit // PARTITIONS)
        parts = (islice(self._due(str(number), now), per_partition) for number in range(PARTITIONS))
        entries = self.read([item["image_id"] for part in parts for item in part])
        received = [entry for entry in entries.values() if entry.status is Status.RECEIVED]
        return sorted(received, key=lambda entry: entry.due_at)[:limit]

    def count_pending(self, now: str, limit: int) -> int:
        total = 0
        for number in range(PARTITIONS):
            total += count_items(self._client, limit - total, **self._due_request(str(number), now))
            if total >= limit:
                break
        return min(total, limit)

    def assign(self, entries: Sequence[LedgerEntry], job_id: str, now: str) -> set[str]:
        changes = {"status": Status.SUBMITTED.value, "job_id": job_id, "submitted_at": now, **NOT_PENDING}
        condition = "#status = :received AND #attempts = :before"
        return self._move(
            (entry.image.image_id, changes, condition, {"received": Status.RECEIVED.value, "before": entry.attempts})
            for entry in entries
        )

    def release(self, requeues: Sequence[Requeue], job_id: str) -> set[str]:
        return self._move(
            (
                each.image_id,
                {
                    "status": Status.RECEIVED.value,
                    "reason": each.reason,
                    "code": each.code or None,
                    **pending_from(each.image_id, each.due_at),
                },
                *_held_by(job_id),
            )
            for each in requeues
        )

    def reopen(self, image_ids: Collection[str], now: str) -> set[str]:
        """Move FAILED images back to RECEIVED and reset their attempts; the ids of those moved."""
        failed = [entry for entry in self.read(image_ids).values() if entry.status is Status.FAILED]
        return self._move(
            (
                entry.image.image_id,
                {
                    "status": Status.RECEIVED.value,
                    "attempts_reset": entry.attempts,
                    "completed_at": None,
                    **pending_from(entry.image.image_id, now),
                },
                "#status = :failed",
                {"failed": Status.FAILED.value},
            )
            for entry in failed
        )

    def recount(self, entries: Sequence[LedgerEntry], now: str) -> set[str]:
        return self._move(
            (
                entry.image.image_id,
                {
                    "status": Status.RECEIVED.value,
                    "attempts_reset": entry.attempts,
                    "recounts": entry.recounts + 1,
                    "reason": None,
                    "completed_at": None,
                    **pending_from(entry.image.image_id, now),
                },
                "#status = :counted AND #attempts = :before",
                {"counted": Status.COUNTED.value, "before": entry.attempts},
            )
            for entry in entries
        )

    def complete(self, completions: Sequence[Completion], job_id: str, now: str) -> set[str]:
        return self._move(
            (each.image_id, _attributes_of(each, now), *_open_to(each.status, job_id)) for each in completions
        )

    def _enter(self, images: Sequence[Image], facts: Item, now: str, *, pending: bool = False) -> None:
        facts = {**facts, "received_at": now}
        items = [
            attributes_of_image(image) | facts | (pending_from(image.image_id, now) if pending else {})
            for image in images
        ]
        write_each(self._client, [put_new(self._table, item, "image_id") for item in items])

    def _move(self, moves: Iterable[tuple[str, Mapping[str, object], str, Mapping[str, object]]]) -> set[str]:
        """Write each (image id, changes, condition, its parameters); the ids of those written."""
        moves = list(moves)
        writes = [
            update(
                self._table,
                {"image_id": image_id},
                changes,
                condition,
                parameters,
                "attempts" if changes["status"] == Status.SUBMITTED else "",
            )
            for image_id, changes, condition, parameters in moves
        ]
        refused = write_each(self._client, writes)
        return {image_id for (image_id, *_), item in zip(moves, refused, strict=True) if item is None}

    def _due(self, partition: str, now: str) -> Iterator[Item]:
        return pages(self._client, "query", **self._due_request(partition, now))

    def _due_request(self, partition: str, now: str) -> Item:
        return {
            "TableName": self._table,
            "IndexName": "Pending",
            "KeyConditionExpression": "pending = :partition AND due_at <= :now",
            "ExpressionAttributeValues": {":partition": {"S": partition}, ":now": {"S": now}},
        }

    def statuses(self) -> dict[str, int]:
        """How many images have each status, by a scan of the whole table."""
        counts: dict[str, int] = {}
        with store_errors(f"Reading {self._table}"):
            scan = self._client.get_paginator("scan").paginate(
                TableName=self._table, ProjectionExpression="#s", ExpressionAttributeNames={"#s": "status"}
            )
            for item in (deserialised(item) for page in scan for item in page["Items"]):
                counts[item["status"]] = counts.get(item["status"], 0) + 1
        return counts
