from __future__ import annotations

from typing import Any

import pytest
from bintally.adapters.ledger import DynamoLedger
from bintally.domain.image import Status
from bintally.domain.manifest import Prediction, Refusal

from tests.unit.functions.aws import client, table
from tests.unit.functions.examples import LATER, MODEL, NOON, SURE_OF_3, THREE_OR_FOUR, photograph, photographs


@pytest.fixture
def ledger(aws: None) -> DynamoLedger:
    return DynamoLedger(client("dynamodb"), table("ImagesTable"))


def item_of(image_id: str) -> dict[str, Any]:
    answer = client("dynamodb").get_item(TableName=table("ImagesTable"), Key={"image_id": {"S": image_id}})
    item: dict[str, Any] = answer["Item"]
    return item


def test_an_item_tells_a_person_what_came_of_a_photograph(ledger: DynamoLedger) -> None:
    image = photograph("P-17-C/photo 1é.jpg")
    ledger.register([image], "job-1", NOON)
    ledger.settle([(image.image_id, Status.COUNTED, "", Prediction(3, 0.9, SURE_OF_3, MODEL))], LATER)

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
        "settled_at": {"S": LATER},
        "count": {"N": "3"},
        "confidence": {"N": "0.9"},
        "probabilities": {
            "M": {"1": {"N": "0.01"}, "2": {"N": "0.04"}, "3": {"N": "0.9"}, "4": {"N": "0.04"}, "5": {"N": "0.01"}}
        },
        "model": {"S": MODEL},
    }


def test_an_item_tells_how_sure_the_count_is(ledger: DynamoLedger) -> None:
    image = photograph()
    ledger.register([image], "job-1", NOON)
    answer = Prediction(3, 0.87, SURE_OF_3, MODEL, empty=0.02, fuller=0.01, interval=THREE_OR_FOUR)

    ledger.settle([(image.image_id, Status.COUNTED, "", answer)], LATER)

    item = item_of(image.image_id)
    assert (item["empty"], item["fuller"]) == ({"N": "0.02"}, {"N": "0.01"})
    assert item["interval"] == {"M": {"low": {"N": "3"}, "high": {"N": "4"}, "coverage": {"N": "0.9"}}}


def test_a_rejected_photograph_says_why(ledger: DynamoLedger) -> None:
    image = photograph()
    ledger.register([image], "job-1", NOON)
    refusal = Refusal("too_small", "Too small.", MODEL)
    ledger.settle([(image.image_id, Status.REJECTED, refusal.reason, refusal)], LATER)

    item = item_of(image.image_id)
    assert (item["status"], item["reason"]) == ({"S": "REJECTED"}, {"S": "too_small: Too small."})
    assert "count" not in item


def test_the_usual_way_of_a_photograph_never_touches_the_index_of_pending_ones(ledger: DynamoLedger) -> None:
    ledger.register(photographs(2), "job-1", NOON)
    ledger.refuse(photograph("folder/"), "folder_marker: A folder.", NOON)

    assert client("dynamodb").scan(TableName=table("ImagesTable"), IndexName="Pending")["Count"] == 0


def test_the_photographs_of_a_bin_are_found(ledger: DynamoLedger) -> None:
    ledger.register([photograph("b/1.jpg"), photograph("b/2.jpg"), photograph("c/1.jpg")], "job-1", NOON)

    found = client("dynamodb").query(
        TableName=table("ImagesTable"),
        IndexName="ByBin",
        KeyConditionExpression="bin_id = :bin",
        ExpressionAttributeValues={":bin": {"S": "b"}},
    )

    assert found["Count"] == 2


def test_statuses_are_counted(ledger: DynamoLedger) -> None:
    images = photographs(3)
    ledger.register(images, "job-1", NOON)
    ledger.settle([(images[0].image_id, Status.FAILED, "internal: x", None)], NOON)

    assert ledger.statuses() == {"SUBMITTED": 2, "FAILED": 1}
