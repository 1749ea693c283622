from __future__ import annotations

import json

import pytest
from bintally.adapters.order_files import MOST_BYTES, ImportReports, OrderFiles, report_key
from bintally.domain.errors import InvalidEventError, StoreError
from bintally.domain.objects import StoredObject
from bintally.domain.orders import RefusedRow

from tests.unit.functions.adapters.stubs import StubClient
from tests.unit.functions.aws import client, table
from tests.unit.functions.examples import HOSTILE_KEYS, order_file


def put(key: str, body: bytes) -> StoredObject:
    version = client("s3").put_object(Bucket=table("OrdersBucket"), Key=key, Body=body)["VersionId"]
    return StoredObject(table("OrdersBucket"), key, version, "00", "")


def test_the_version_that_was_announced_is_read(aws: None) -> None:
    first, second = put("orders.csv", b"one"), put("orders.csv", b"two")
    latest = StoredObject(table("OrdersBucket"), "orders.csv", None, "00", "")

    files = OrderFiles(client("s3"))

    assert [files.read(source) for source in (first, second, latest)] == [b"one", b"two", b"two"]


def test_a_file_that_is_too_large_is_not_read() -> None:
    class Unread:
        def read(self) -> bytes:
            raise AssertionError("the file was read")

    s3 = StubClient("s3", get_object=lambda **_: {"ContentLength": MOST_BYTES + 1, "Body": Unread()})

    with pytest.raises(InvalidEventError, match="20,971,521 bytes; at most 20,971,520"):
        OrderFiles(s3).read(order_file("large.csv"))


def test_a_file_that_is_gone_is_an_error(aws: None) -> None:
    with pytest.raises(StoreError, match=r"Reading s3://bintally-orders-000000000000-us-east-1/none.csv"):
        OrderFiles(client("s3")).read(StoredObject(table("OrdersBucket"), "none.csv", None, "00", ""))


def test_a_report_tells_what_was_refused(aws: None) -> None:
    source = order_file("2026/délivery 17.csv")

    location = ImportReports(client("s3"), bucket=table("JobsBucket")).write(
        source, 2, [RefusedRow(3, "expected 'é'.")]
    )

    key = report_key(source.key)
    assert location == f"s3://{table('JobsBucket')}/{key}"
    held = client("s3").get_object(Bucket=table("JobsBucket"), Key=key)
    assert held["ContentType"] == "application/json"
    assert json.loads(held["Body"].read()) == {
        "key": "2026/délivery 17.csv",
        "version_id": None,
        "sequencer": source.sequencer,
        "accepted": 2,
        "refused": [{"line": 3, "reason": "expected 'é'."}],
    }


def test_no_key_leads_a_report_elsewhere() -> None:
    keys = {report_key(key) for key in HOSTILE_KEYS}

    assert len(keys) == len(HOSTILE_KEYS)
    assert all(key.startswith("orders/reports/") and key.count("/") == 2 and ".." not in key for key in keys)
