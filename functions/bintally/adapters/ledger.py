"""The images table: `image_id` → one version of one photograph."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from bintally.adapters.dynamo import Item, deserialised, put_new, read_each, store_errors, update, write_each
from bintally.domain.bins import BinCount
from bintally.domain.image import Image, LedgerEntry, Status
from bintally.domain.manifest import Answer, Prediction


def image_of(item: Item) -> Image:
    """The photograph that a ledger or bin item describes."""
    return Image(
        bucket=item["bucket"],
        key=item["key"],
        version_id=item.get("version_id"),
        sequencer=item["sequencer"],
        captured_at=item["captured_at"],
        bin_id=item["bin_id"],
    )


def attributes_of(image: Image) -> dict[str, object]:
    """What both tables keep of a photograph."""
    return {
        "image_id": image.image_id,
        "bucket": image.bucket,
        "key": image.key,
        "version_id": image.version_id,
        "sequencer": image.sequencer,
        "captured_at": image.captured_at,
        "bin_id": image.bin_id,
    }


def sureness_of(answer: Prediction | BinCount) -> dict[str, object]:
    """What both tables keep of how sure a count is; None where the model can't tell."""
    return {
        "confidence": answer.confidence,
        "probabilities": answer.probabilities or None,
        "empty": answer.empty,
        "fuller": answer.fuller,
        "interval": answer.interval.facts() if answer.interval else None,
    }


class DynamoLedger:
    """The ledger in DynamoDB."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def read(self, image_ids: Collection[str]) -> dict[str, LedgerEntry]:
        items = read_each(self._client, self._table, [{"image_id": image_id} for image_id in image_ids])
        return {
            item["image_id"]: LedgerEntry(image_of(item), Status(item["status"]), item.get("job_id")) for item in items
        }

    def register(self, images: Sequence[Image], job_id: str, now: str) -> None:
        facts = {
            "status": Status.SUBMITTED.value,
            "job_id": job_id,
            "attempts": 1,
            "received_at": now,
            "submitted_at": now,
        }
        write_each(self._client, [put_new(self._table, attributes_of(image) | facts, "image_id") for image in images])

    def refuse(self, image: Image, reason: str, now: str) -> None:
        facts = {
            "status": Status.REJECTED.value,
            "reason": reason,
            "attempts": 0,
            "received_at": now,
            "settled_at": now,
        }
        write_each(self._client, [put_new(self._table, attributes_of(image) | facts, "image_id")])

    def settle(self, outcomes: Sequence[tuple[str, Status, str, Answer | None]], now: str) -> set[str]:
        writes = [self._settling(*outcome, now) for outcome in outcomes]
        refused = write_each(self._client, writes)
        return {outcome[0] for outcome, item in zip(outcomes, refused, strict=True) if item is None}

    def _settling(self, image_id: str, status: Status, reason: str, answer: Answer | None, now: str) -> Item:
        changes: dict[str, object] = {"status": status.value, "reason": reason or None, "settled_at": now}
        if isinstance(answer, Prediction):
            changes |= {"count": answer.count, **sureness_of(answer)}
        if answer is not None:
            changes["model"] = answer.model
        return update(
            self._table, {"image_id": image_id}, changes, "#status = :submitted", {"submitted": Status.SUBMITTED.value}
        )

    def statuses(self) -> dict[str, int]:
        """How many photographs stand in each status, by a scan of the whole table."""
        counts: dict[str, int] = {}
        with store_errors(f"Reading {self._table}"):
            scan = self._client.get_paginator("scan").paginate(
                TableName=self._table, ProjectionExpression="#s", ExpressionAttributeNames={"#s": "status"}
            )
            for item in (deserialised(item) for page in scan for item in page["Items"]):
                counts[item["status"]] = counts.get(item["status"], 0) + 1
        return counts
