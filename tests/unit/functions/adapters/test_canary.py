"""The canary's traces in moto's S3 and DynamoDB, among the photos of others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from bintally.adapters.bins import DynamoBins
from bintally.adapters.canary import AwsCanarySite, CanaryPlaces
from bintally.adapters.consignments import DynamoOrders
from bintally.adapters.ledger import DynamoLedger
from bintally.adapters.order_files import ImportReports
from bintally.domain.bins import BinCount, BinStatus
from bintally.domain.canary import CONSIGNMENT, ORDERS_KEY, PHOTOS, order_file
from bintally.domain.image import Image, Status
from bintally.domain.manifest import Prediction
from bintally.domain.objects import StoredObject
from bintally.domain.orders import OrderFile, Progress, parse_orders
from bintally.domain.transitions import Completion
from bintally.domain.verdicts import OrderLine

from tests.unit.functions.aws import client, table

NOON = "2026-05-04T12:00:00.000Z"
NOW = datetime.now(UTC)
PLACES = ("IntakeBucket", "OrdersBucket", "JobsBucket", "ImagesTable", "BinsTable", "ConsignmentsTable")

pytestmark = pytest.mark.usefixtures("aws")


class Stack:
    """The site, and what the functions do with what it uploads."""

    def __init__(self) -> None:
        self.places = CanaryPlaces(*map(table, PLACES))
        self.site = AwsCanarySite(client("s3"), client("dynamodb"), self.places)
        self.ledger = DynamoLedger(client("dynamodb"), self.places.images_table)
        self.bins = DynamoBins(client("dynamodb"), self.places.bins_table)
        self.orders = DynamoOrders(client("dynamodb"), self.places.consignments_table)

    def upload(self, key: str) -> Image:
        bucket = self.places.intake_bucket
        version = client("s3").put_object(Bucket=bucket, Key=key, Body=b"photo")["VersionId"]
        return Image(bucket, key, version, "AB", NOON, key.split("/")[0])

    def register(self, image: Image) -> None:
        self.ledger.register([image], "job-1", NOON)

    def count(self, image: Image) -> None:
        self.register(image)
        self.bins.record([BinCount(image, BinStatus.COUNTED, 2, 0.9, {2: 1.0}, "m")], NOON)
        answer = Prediction(2, 0.9, {2: 1.0}, "m")
        self.ledger.complete([Completion(image.image_id, Status.COUNTED, "", answer)], "job-1", NOON)

    def order(self) -> str:
        version = self.site.upload_orders(order_file())
        file = parse_orders(order_file())
        self.orders.put(file.lines, NOON)
        report(self.places, version, file)
        return version

    def traces(self) -> list[str]:
        """What is in the buckets and tables."""
        places = self.places
        found = [
            f"{bucket.split('-')[1]}:{version['Key']}"
            for bucket in (places.intake_bucket, places.orders_bucket, places.jobs_bucket)
            for version in client("s3").list_object_versions(Bucket=bucket).get("Versions", [])
        ]
        found += [f"ledger:{entry.image.key}" for entry in self.ledger.all()]
        found += [f"bin:{count.bin_id}" for count in self.bins.all()]
        return sorted(found + [f"line:{line.bin_id}" for line in self.orders.all()])


def report(places: CanaryPlaces, version: str, file: OrderFile) -> None:
    source = StoredObject(places.orders_bucket, ORDERS_KEY, version, "", "")
    ImportReports(client("s3"), bucket=places.jobs_bucket).write(
        source, file, False, Progress("f", 3, 1, 0, is_done=True)
    )


@pytest.fixture
def stack() -> Stack:
    return Stack()


def test_all_that_is_finished_is_removed_and_nothing_of_others(stack: Stack) -> None:
    stack.count(stack.upload("P-17-C/1.jpg"))
    stack.orders.put([OrderLine("C-1", "P-17-C", 2, order_version="1")], NOON)
    others = stack.traces()
    stack.order()
    for photo in PHOTOS:
        stack.count(stack.upload(photo.key))
    assert len(stack.traces()) == len(others) + 3 * 4 + 2

    assert stack.site.remove(NOW) == 0

    assert stack.traces() == others
    assert stack.site.remove(NOW) == 0, "again, after all is gone"


def test_a_photo_in_progress_keeps_its_object_so_that_its_job_can_end(stack: Stack) -> None:
    waiting = stack.upload(PHOTOS[0].key)
    stack.register(waiting)
    stack.count(stack.upload(PHOTOS[1].key))
    unannounced = stack.upload(PHOTOS[2].key)

    assert stack.site.remove(NOW) == 2

    kept = [f"intake:{waiting.key}", f"intake:{unannounced.key}", f"ledger:{waiting.key}"]
    assert [trace for trace in stack.traces() if not trace.startswith("bin:")] == kept


def test_an_object_that_was_never_announced_is_removed_later(stack: Stack) -> None:
    stack.upload(PHOTOS[0].key)

    assert stack.site.remove(NOW + timedelta(hours=2)) == 0
    assert stack.traces() == []


def test_what_a_crash_left_half_removed_is_found(stack: Stack) -> None:
    """A removal that died between the object and the ledger."""
    image = stack.upload(PHOTOS[0].key)
    stack.count(image)
    client("s3").delete_object(Bucket=image.bucket, Key=image.key, VersionId=image.version_id)

    assert stack.site.remove(NOW) == 0
    assert stack.traces() == []


def test_an_order_file_that_is_not_imported_yet_stays(stack: Stack) -> None:
    version = stack.site.upload_orders(order_file())

    assert not stack.site.is_imported(version)
    assert stack.site.remove(NOW) == 1
    assert stack.traces() == [f"orders:{ORDERS_KEY}"]

    report(stack.places, version, parse_orders(order_file()))

    assert stack.site.is_imported(version)
    assert stack.site.remove(NOW) == 0
    assert stack.traces() == []


def test_delete_markers_are_removed(stack: Stack) -> None:
    bucket = stack.places.intake_bucket
    client("s3").delete_object(Bucket=bucket, Key=PHOTOS[0].key)

    stack.site.remove(NOW)

    assert "DeleteMarkers" not in client("s3").list_object_versions(Bucket=bucket)


def test_a_key_of_others_is_never_uploaded(stack: Stack) -> None:
    with pytest.raises(ValueError, match="not reserved"):
        stack.site.upload("P-17-C/1.jpg", b"")


def test_an_entry_that_is_in_progress_again_is_left(stack: Stack) -> None:
    """The condition of the write, not the read before it, decides."""
    image = stack.upload(PHOTOS[0].key)
    stack.count(image)
    entry = stack.ledger.read([image.image_id])[image.image_id]
    client("dynamodb").update_item(
        TableName=stack.places.images_table,
        Key={"image_id": {"S": image.image_id}},
        UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": {"S": "RECEIVED"}},
    )

    stack.site._delete_entry(entry)

    assert stack.ledger.read([image.image_id])[image.image_id].status is Status.RECEIVED


def test_its_photos_and_lines_are_read(stack: Stack) -> None:
    stack.order()
    image_id = stack.site.upload(PHOTOS[0].key, b"photo")

    assert {line.consignment_id for line in stack.site.lines()} == {CONSIGNMENT}
    assert stack.site.entries([image_id]) == {}
