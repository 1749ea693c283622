"""The attributes by which tables keep images, counts and their uncertainty."""

from __future__ import annotations

from bintally.adapters.dynamo import Item
from bintally.domain.bins import BinCount
from bintally.domain.history import PhotoRecord
from bintally.domain.image import Image, LedgerEntry, Status
from bintally.domain.manifest import Prediction


def image_from_item(item: Item) -> Image:
    """The image in an item of the ledger or the bins."""
    return Image(
        bucket=item["bucket"],
        key=item["key"],
        version_id=item.get("version_id"),
        sequencer=item["sequencer"],
        captured_at=item["captured_at"],
        bin_id=item["bin_id"],
    )


def attributes_of_image(image: Image) -> dict[str, object]:
    """What both tables keep of an image."""
    return {
        "image_id": image.image_id,
        "bucket": image.bucket,
        "key": image.key,
        "version_id": image.version_id,
        "sequencer": image.sequencer,
        "captured_at": image.captured_at,
        "bin_id": image.bin_id,
    }


def attributes_of_result(result: Prediction | BinCount) -> dict[str, object]:
    """What both tables keep of a result and its uncertainty. None if the model did not give it."""
    return {
        "count": result.count,
        "at_least": result.at_least,
        "confidence": result.confidence,
        "probabilities": result.probabilities or None,
        "empty": result.empty,
        "over_range": result.over_range,
        "interval": result.interval.facts() if result.interval else None,
        "volume": result.volume.facts() if result.volume else None,
    }


def entry_from_item(item: Item) -> LedgerEntry:
    """The entry that a ledger item describes."""
    return LedgerEntry(
        image_from_item(item),
        Status(item["status"]),
        item.get("job_id"),
        int(item.get("attempts", 0)),
        int(item.get("attempts_reset", 0)),
        item.get("reason", ""),
        item.get("due_at", ""),
        item.get("code", ""),
        int(item.get("recounts", 0)),
        item.get("model", ""),
    )


def photo_record_from_item(item: Item) -> PhotoRecord:
    """What the history of a bin says about a ledger item."""
    return PhotoRecord(
        image_from_item(item),
        Status(item["status"]),
        item.get("completed_at", ""),
        int(item["count"]) if "count" in item else None,
        int(item["at_least"]) if "at_least" in item else None,
        item.get("model", ""),
        item.get("reason", ""),
    )
