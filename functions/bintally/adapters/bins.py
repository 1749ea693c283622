"""The bins table: `bin_id` → the result of its newest image."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from bintally.adapters.dynamo import Item, pages, read_each, update, write_each
from bintally.adapters.items import attributes_of_image, attributes_of_result, image_from_item
from bintally.domain.bins import BinCount, BinStatus, HumanCount, replaces
from bintally.domain.intervals import interval_of
from bintally.domain.volume import volume_of

# `domain.bins.is_newer` as a condition: the new image is newer than the one of the bin.
NEWER = (
    "attribute_not_exists(#bin_id)"
    " OR (#key = :key AND #sequencer < :sequencer)"
    " OR (#key <> :key AND (#captured_at < :captured_at OR (#captured_at = :captured_at AND #key < :key)))"
)
# The rest of `domain.bins.replaces`: a late result, or a recount, of the image that the bin shows.
SAME_IMAGE = "#image_id = :image_id AND (#answered = :unanswered{recounted})"
RECOUNTED = " OR attribute_not_exists(#recounts) OR #recounts < :recounts"


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
        human=_human_count(item["human"]) if "human" in item else None,
    )


def _human_count(facts: Item) -> HumanCount:
    count = None if facts["count"] is None else int(facts["count"])
    return HumanCount(facts["decision_id"], count, facts["who"], facts["decided_at"], int(facts.get("people", 1)))


def deciding(table: str, count: BinCount) -> Item:
    """A write that shows what a person decided, unless the bin has changed from this revision."""
    changes = {"human": asdict(count.human) if count.human else None, "source": count.source}
    condition = "#revision = :held"
    return update(table, {"bin_id": count.bin_id}, changes, condition, {"held": count.revision}, increment="revision")


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
        held = self._write(counts, [self._recording_newer(count, now) for count in counts])
        late = [count for count in counts if held[count.bin_id] is not count and replaces(count, held[count.bin_id])]
        return held | self._write(late, [self._recording_same(count, now) for count in late])

    def _write(self, counts: Sequence[BinCount], writes: Sequence[Item]) -> dict[str, BinCount]:
        refused = write_each(self._client, writes)
        return {
            count.bin_id: count if item is None else count_from_item(item)
            for count, item in zip(counts, refused, strict=True)
        }

    def _recording_newer(self, count: BinCount, now: str) -> Item:
        """What a person decided about an older image goes."""
        facts = self._facts(count, now) | {"source": count.source, "human": None}
        return update(self._table, {"bin_id": count.bin_id}, facts, NEWER, increment="revision")

    def _recording_same(self, count: BinCount, now: str) -> Item:
        """What a person decided about this image stays."""
        condition = SAME_IMAGE.format(recounted=RECOUNTED if count.recounts else "")
        key = {"bin_id": count.bin_id}
        return update(self._table, key, self._facts(count, now), condition, {"unanswered": False}, "revision")

    def _facts(self, count: BinCount, now: str) -> dict[str, object]:
        facts = attributes_of_image(count.image)
        del facts["bin_id"]
        return facts | {
            "status": count.status.value,
            **attributes_of_result(count),
            "model": count.model,
            "reason": count.reason or None,
            "code": count.code or None,
            "answered": count.answered,
            "recounts": count.recounts or None,
            "counted_at": now,
        }
