"""The bins table: `bin_id` → the result of its newest image."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from bintally.adapters.dynamo import Item, pages, read_each, update, write_each
from bintally.adapters.items import attributes_of_image, attributes_of_result, image_from_item
from bintally.domain.bins import BinCount, BinStatus
from bintally.domain.intervals import interval_of
from bintally.domain.volume import volume_of

# `domain.bins.is_newer` as a condition: the new image is newer than the one of the bin.
NEWER = (
    "attribute_not_exists(#bin_id)"
    " OR (#key = :key AND #sequencer < :sequencer)"
    " OR (#key <> :key AND (#captured_at < :captured_at OR (#captured_at = :captured_at AND #key < :key)))"
)
# `domain.bins.replaces` as a condition, for a result of the model.
HAS_RESULT = f"{NEWER} OR (#image_id = :image_id AND #answered = :unanswered)"
RECOUNTED = f"{HAS_RESULT} OR (#image_id = :image_id AND (attribute_not_exists(#recounts) OR #recounts < :recounts))"


def count_from_item(item: Item) -> BinCount:
    """The count in a bin item."""
    return BinCount(
        image=image_from_item(item),
        status=BinStatus(item["status"]),
        count=int(item["count"]) if "count" in item else None,
        confidence=float(item["confidence"]) if "confidence" in item else None,
        probabilities={int(count): float(probability) for count, probability in item.get("probabilities", {}).items()},
        model=item.get("model", ""),
        reason=item.get("reason", ""),
        source=item["source"],
        revision=int(item["revision"]),
        empty=float(item["empty"]) if "empty" in item else None,
        over_range=float(item["over_range"]) if "over_range" in item else None,
        interval=interval_of(item["interval"]) if "interval" in item else None,
        answered=item.get("answered", True),
        code=item.get("code", ""),
        at_least=int(item["at_least"]) if "at_least" in item else None,
        recounts=int(item.get("recounts", 0)),
        volume=volume_of(item["volume"]) if "volume" in item else None,
    )


class DynamoBins:
    """The bins in DynamoDB."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def read(self, bin_ids: Collection[str]) -> dict[str, BinCount]:
        items = read_each(self._client, self._table, [{"bin_id": bin_id} for bin_id in set(bin_ids)])
        return {item["bin_id"]: count_from_item(item) for item in items}

    def all(self) -> Iterator[BinCount]:
        """Every bin, by a scan."""
        return (count_from_item(item) for item in pages(self._client, "scan", TableName=self._table))

    def record(self, counts: Sequence[BinCount], now: str) -> dict[str, BinCount]:
        refused = write_each(self._client, [self._recording(count, now) for count in counts])
        return {
            count.bin_id: count if item is None else count_from_item(item)
            for count, item in zip(counts, refused, strict=True)
        }

    def _recording(self, count: BinCount, now: str) -> Item:
        facts = attributes_of_image(count.image)
        bin_id = facts.pop("bin_id")
        facts |= {
            "status": count.status.value,
            **attributes_of_result(count),
            "model": count.model,
            "reason": count.reason or None,
            "code": count.code or None,
            "source": count.source,
            "answered": count.answered,
            "recounts": count.recounts or None,
            "counted_at": now,
        }
        with_result = RECOUNTED if count.recounts else HAS_RESULT
        condition = with_result if count.answered else NEWER
        return update(self._table, {"bin_id": bin_id}, facts, condition, {"unanswered": False}, increment="revision")
