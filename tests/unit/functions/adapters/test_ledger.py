from __future__ import annotations

from typing import Any

import pytest
from bintally.adapters.ledger import PARTITIONS, DynamoLedger, partition_of
from bintally.domain.image import Image, LedgerEntry, Status
from bintally.domain.manifest import Prediction, PredictionError, Result
from bintally.domain.transitions import Completion, Requeue
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.functions.aws import client, table
from tests.unit.functions.examples import (
    LATER,
    MODEL,
    NOON,
    SURE_OF_3,
    THREE_OR_FOUR,
    TWO_LITRES,
    make_image,
    make_images,
)


@pytest.fixture
def ledger(aws: None) -> DynamoLedger:
    return DynamoLedger(client("dynamodb"), table("ImagesTable"))


def item_of(image_id: str) -> dict[str, Any]:
    answer = client("dynamodb").get_item(TableName=table("ImagesTable"), Key={"image_id": {"S": image_id}})
    item: dict[str, Any] = answer["Item"]
    return item


def settle(ledger: DynamoLedger, image: Image, status: Status, reason: str = "", answer: Result | None = None) -> None:
    """The result of a photo by `job-1`."""
    assert ledger.complete([Completion(image.image_id, status, reason, answer)], "job-1", LATER) == {image.image_id}


def entry_of(ledger: DynamoLedger, image: Image) -> LedgerEntry:
    return ledger.read([image.image_id])[image.image_id]


def in_the_index() -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client("dynamodb").scan(TableName=table("ImagesTable"), IndexName="Pending")["Items"]
    return items


def test_an_item_shows_the_result_of_an_image(ledger: DynamoLedger) -> None:
    image = make_image("P-17-C/photo 1é.jpg")
    ledger.register([image], "job-1", NOON)
    settle(ledger, image, Status.COUNTED, answer=Prediction(3, 0.9, SURE_OF_3, MODEL))

    assert item_of(image.image_id) == {
        "image_id": {"S": image.image_id},
        "bucket": {"S": "intake"},
        "key": {"S": "P-17-C/photo 1é.jpg"},
        "version_id": {"S": image.version_id},
        "sequencer": {"S": image.sequencer},
        "captured_at": {"S": image.captured_at},
        "bin_id": {"S": "P-17-C"},
        "status": {"S": "COUNTED"},
        "job_id": {"S": "job-1"},
        "attempts": {"N": "1"},
        "received_at": {"S": NOON},
        "submitted_at": {"S": NOON},
        "completed_at": {"S": LATER},
        "count": {"N": "3"},
        "confidence": {"N": "0.9"},
        "probabilities": {
            "M": {"1": {"N": "0.01"}, "2": {"N": "0.04"}, "3": {"N": "0.9"}, "4": {"N": "0.04"}, "5": {"N": "0.01"}}
        },
        "model": {"S": MODEL},
    }


def test_an_item_shows_the_confidence_of_the_count(ledger: DynamoLedger) -> None:
    image = make_image()
    ledger.register([image], "job-1", NOON)
    answer = Prediction(
        3, 0.87, SURE_OF_3, MODEL, empty=0.02, over_range=0.01, interval=THREE_OR_FOUR, volume=TWO_LITRES
    )

    settle(ledger, image, Status.COUNTED, answer=answer)

    item = item_of(image.image_id)
    assert (item["empty"], item["over_range"]) == ({"N": "0.02"}, {"N": "0.01"})
    assert item["interval"] == {"M": {"low": {"N": "3"}, "high": {"N": "4"}, "coverage": {"N": "0.9"}}}
    assert {name: float(value["N"]) for name, value in item["volume"]["M"].items()} == TWO_LITRES.facts()


def test_a_rejected_image_has_a_reason(ledger: DynamoLedger) -> None:
    image = make_image()
    ledger.register([image], "job-1", NOON)
    refusal = PredictionError("too_small", "Too small.", MODEL)
    settle(ledger, image, Status.REJECTED, refusal.message, refusal)

    item = item_of(image.image_id)
    assert (item["status"], item["reason"]) == ({"S": "REJECTED"}, {"S": "Too small."})
    assert item["code"] == {"S": "too_small"}
    assert "count" not in item


def test_the_usual_transitions_never_touch_the_pending_index(ledger: DynamoLedger) -> None:
    ledger.register(make_images(2), "job-1", NOON)
    ledger.reject(make_image("folder/"), "A folder.", NOON, "folder_marker")

    settle(ledger, make_images(2)[0], Status.COUNTED)

    assert in_the_index() == []


def test_the_images_of_a_bin_are_found(ledger: DynamoLedger) -> None:
    ledger.register([make_image("b/1.jpg"), make_image("b/2.jpg"), make_image("c/1.jpg")], "job-1", NOON)

    found = client("dynamodb").query(
        TableName=table("ImagesTable"),
        IndexName="ByBin",
        KeyConditionExpression="bin_id = :bin",
        ExpressionAttributeValues={":bin": {"S": "b"}},
    )

    assert found["Count"] == 2


def test_statuses_are_counted(ledger: DynamoLedger) -> None:
    images = make_images(3)
    ledger.register(images, "job-1", NOON)
    settle(ledger, images[0], Status.FAILED, "internal: x")

    assert ledger.statuses() == {"SUBMITTED": 2, "FAILED": 1}


# ---- Photos that no job holds


def test_an_item_shows_what_an_image_waits_for(ledger: DynamoLedger) -> None:
    image = make_image()
    ledger.register([image], "job-1", NOON)

    ledger.release([Requeue(image.image_id, "No object.", LATER, "not_found")], "job-1")

    assert item_of(image.image_id) == {
        "image_id": {"S": image.image_id},
        "bucket": {"S": "intake"},
        "key": {"S": "P-17-C/a.jpg"},
        "version_id": {"S": image.version_id},
        "sequencer": {"S": image.sequencer},
        "captured_at": {"S": image.captured_at},
        "bin_id": {"S": "P-17-C"},
        "status": {"S": "RECEIVED"},
        "reason": {"S": "No object."},
        "code": {"S": "not_found"},
        "job_id": {"S": "job-1"},
        "attempts": {"N": "1"},
        "received_at": {"S": NOON},
        "submitted_at": {"S": NOON},
        "pending": {"S": partition_of(image.image_id)},
        "due_at": {"S": LATER},
    }


def test_the_index_contains_an_image_while_no_job_holds_it(ledger: DynamoLedger) -> None:
    image = make_image()
    steps = [
        (lambda: ledger.receive([image], NOON), 1),
        (lambda: ledger.assign([entry_of(ledger, image)], "job-1", NOON), 0),
        (lambda: ledger.release([Requeue(image.image_id, "internal: x", NOON)], "job-1"), 1),
        (lambda: ledger.assign([entry_of(ledger, image)], "job-1", NOON), 0),
        (lambda: settle(ledger, image, Status.FAILED, "internal: x"), 0),
        (lambda: ledger.reopen([image.image_id], NOON), 1),
        (lambda: settle(ledger, image, Status.COUNTED, answer=Prediction(3, 0.9, SURE_OF_3, MODEL)), 0),
    ]

    for step, waiting in steps:
        step()
        assert len(in_the_index()) == waiting


def test_a_late_count_clears_the_failure(ledger: DynamoLedger) -> None:
    image = make_image()
    ledger.register([image], "job-1", NOON)
    settle(ledger, image, Status.FAILED, "internal: x", PredictionError("internal", "x"))

    settle(ledger, image, Status.COUNTED, answer=Prediction(3, 0.9, SURE_OF_3, MODEL))

    item = item_of(image.image_id)
    assert (item["status"], item["count"], item["model"]) == ({"S": "COUNTED"}, {"N": "3"}, {"S": MODEL})
    assert not {"reason", "pending", "due_at"} & set(item)


def test_a_reopened_image_is_not_complete(ledger: DynamoLedger) -> None:
    image = make_image()
    ledger.register([image], "job-1", NOON)
    settle(ledger, image, Status.FAILED, "internal: x")

    ledger.reopen([image.image_id], LATER)

    item = item_of(image.image_id)
    assert "completed_at" not in item
    assert (item["attempts_reset"], item["attempts"], item["due_at"]) == ({"N": "1"}, {"N": "1"}, {"S": LATER})


def test_many_images_are_spread_over_the_index(ledger: DynamoLedger) -> None:
    ledger.receive(make_images(200), NOON)

    shares = [int(item["pending"]["S"]) for item in in_the_index()]
    assert set(shares) == set(range(PARTITIONS))
    assert max(shares.count(number) for number in range(PARTITIONS)) < 50


@given(st.text("0123456789abcdef", min_size=32, max_size=32))
def test_every_image_has_a_place_in_the_index(image_id: str) -> None:
    assert partition_of(image_id) in {str(number) for number in range(PARTITIONS)}


def test_a_stale_index_returns_nothing_that_moved(ledger: DynamoLedger) -> None:
    """The index is eventually consistent: what it names is read from the table itself."""
    images = make_images(2)
    ledger.receive(images, NOON)
    stale = {"Items": in_the_index()}
    ledger.assign([entry_of(ledger, images[0])], "job-1", NOON)

    class Lagging:
        """The client, with an index of the past."""

        def __getattr__(self, name: str) -> Any:
            return getattr(client("dynamodb"), name)

        def get_paginator(self, operation: str) -> Any:
            assert operation == "query"
            return self

        def paginate(self, ExpressionAttributeValues: Any, **_: Any) -> Any:  # noqa: N803
            wanted = ExpressionAttributeValues[":partition"]
            return [{"Items": [item for item in stale["Items"] if item["pending"] == wanted]}]

    assert [entry.image for entry in DynamoLedger(Lagging(), table("ImagesTable")).pending(NOON, 10)] == images[1:]


@pytest.mark.parametrize("status", [Status.COUNTED, Status.RECEIVED])
def test_an_image_that_advanced_since_it_was_read_is_not_reopened(ledger: DynamoLedger, status: Status) -> None:
    """A late result arrived, or another person retried it."""
    image = make_image()
    ledger.register([image], "job-1", NOON)
    settle(ledger, image, Status.FAILED, "internal: x")

    class Overtaken:
        """The client; something happens between a read and the following write."""

        def __getattr__(self, name: str) -> Any:
            return getattr(client("dynamodb"), name)

        def batch_get_item(self, **request: Any) -> Any:
            found = client("dynamodb").batch_get_item(**request)
            if status is Status.COUNTED:
                settle(ledger, image, status, answer=Prediction(3, 0.9, SURE_OF_3, MODEL))
            else:
                ledger.reopen([image.image_id], NOON)
            return found

    assert DynamoLedger(Overtaken(), table("ImagesTable")).reopen([image.image_id], LATER) == set()

    entry = entry_of(ledger, image)
    assert (entry.status, entry.due_at) == (status, NOON if status is Status.RECEIVED else "")
