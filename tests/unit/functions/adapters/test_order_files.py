from __future__ import annotations

import json

import pytest
from bintally.adapters.order_files import ImportReports, OrderFiles, OrderQueue, report_key
from bintally.domain.errors import StoreError
from bintally.domain.objects import StoredObject
from bintally.domain.order_rows import MAX_BYTES
from bintally.domain.orders import ChangedId, OrderFile, Progress, ReceivedFile, RefusedRow

from tests.unit.functions.adapters.stubs import StubClient
from tests.unit.functions.aws import client, table
from tests.unit.functions.examples import HOSTILE_KEYS, order_file, order_line


def put(key: str, body: bytes, **metadata: str) -> StoredObject:
    bucket = table("OrdersBucket")
    version = client("s3").put_object(Bucket=bucket, Key=key, Body=body, Metadata=metadata)["VersionId"]
    return StoredObject(table("OrdersBucket"), key, version, "00", "")


def test_the_version_that_was_announced_is_read(aws: None) -> None:
    first, second = put("orders.csv", b"one"), put("orders.csv", b"two")
    latest = StoredObject(table("OrdersBucket"), "orders.csv", None, "00", "")

    files = OrderFiles(client("s3"))

    assert [files.read(source).data for source in (first, second, latest)] == [b"one", b"two", b"two"]


@pytest.mark.parametrize(
    ("metadata", "adds"),
    [
        ({}, False),
        ({"bintally-mode": "replace"}, False),
        ({"bintally-mode": "add"}, True),
        ({"bintally-mode": " Add "}, True),
    ],
)
def test_metadata_says_whether_a_file_adds(aws: None, metadata: dict[str, str], adds: bool) -> None:
    assert OrderFiles(client("s3")).read(put("orders.csv", b"x", **metadata)) == ReceivedFile(b"x", adds)


def test_a_file_of_unknown_mode_is_refused(aws: None) -> None:
    """The sender meant something; replacing lines that should stay would be the worse mistake."""
    received = OrderFiles(client("s3")).read(put("orders.csv", b"x", **{"bintally-mode": "append"}))

    assert received.fault == "The metadata bintally-mode is 'append'; it can be replace or add."


def test_a_file_that_is_too_large_is_not_read() -> None:
    class Unread:
        def read(self) -> bytes:
            raise AssertionError("the file was read")

    s3 = StubClient("s3", get_object=lambda **_: {"ContentLength": MAX_BYTES + 1, "Body": Unread()})

    received = OrderFiles(s3).read(order_file("large.csv"))

    assert received.fault == "The file has 20,971,521 bytes; at most 20,971,520. Split it."


def test_a_missing_file_is_an_error(aws: None) -> None:
    with pytest.raises(StoreError, match=r"Reading s3://bintally-orders-000000000000-us-east-1/none.csv"):
        OrderFiles(client("s3")).read(StoredObject(table("OrdersBucket"), "none.csv", None, "00", ""))


FILE = OrderFile(
    (order_line(3), order_line(2, bin_id="b")),
    refused=(RefusedRow(3, "expected 'é'."),),
    refused_rows=1,
    changed=(ChangedId(2, " b", "b"),),
    changed_ids=1,
)


def test_a_report_lists_rejected_rows_and_changed_ids(aws: None) -> None:
    source = order_file("2026/délivery 17.csv")
    reports = ImportReports(client("s3"), bucket=table("JobsBucket"))

    location = reports.write(source, FILE, adds=True, progress=Progress("f", 2, 1, 4, is_done=True))

    key = report_key(source.key, source.sequencer)
    assert location == f"s3://{table('JobsBucket')}/{key}"
    held = client("s3").get_object(Bucket=table("JobsBucket"), Key=key)
    assert held["ContentType"] == "application/json"
    assert json.loads(held["Body"].read()) == {
        "key": "2026/délivery 17.csv",
        "version_id": None,
        "sequencer": source.sequencer,
        "state": "done",
        "mode": "add",
        "fingerprint": "f",
        "accepted": 2,
        "written": 2,
        "consignments": 1,
        "checked": 1,
        "withdrawn": 4,
        "refused_rows": 1,
        "changed_ids": 1,
        "without_volume": 0,
        "refused": [{"line": 3, "reason": "expected 'é'."}],
        "changed": [{"line": 2, "written": " b", "imported_as": "b"}],
    }


@pytest.mark.parametrize("progress", [Progress("f", 1), Progress("f", 2, 1, 4), Progress("f", 2, 1, 4, is_done=True)])
def test_a_report_records_the_progress_of_the_import(aws: None, progress: Progress) -> None:
    reports = ImportReports(client("s3"), bucket=table("JobsBucket"))
    source, other = order_file("orders.csv"), order_file("orders.csv", sequencer="02")
    assert reports.progress(source) is None

    reports.write(source, FILE, adds=False, progress=progress)

    assert reports.progress(source) == progress
    assert reports.progress(other) is None


@pytest.mark.parametrize("body", [b"", b"[", b"{}", b"[]", b'{"state": "done"}', b"\xff"])
def test_an_unreadable_report_has_no_progress(aws: None, body: bytes) -> None:
    """The import starts again and writes it again."""
    source = order_file("orders.csv")
    key = report_key(source.key, source.sequencer)
    client("s3").put_object(Bucket=table("JobsBucket"), Key=key, Body=body)

    assert ImportReports(client("s3"), bucket=table("JobsBucket")).progress(source) is None


def test_the_queue_is_sent_to(aws: None) -> None:
    url = client("sqs").get_queue_url(QueueName="bintally-OrdersQueue")["QueueUrl"]

    OrderQueue(client("sqs"), url).send("again")

    (message,) = client("sqs").receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == "again"


def test_no_key_moves_a_report_out_of_its_folder() -> None:
    keys = {report_key(key, version) for key in HOSTILE_KEYS for version in ("../../x", "v1")}

    assert len(keys) == 2 * len(HOSTILE_KEYS)
    assert all(key.startswith("orders/reports/") and key.count("/") == 3 and ".." not in key for key in keys)
