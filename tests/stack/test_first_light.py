"""The whole way on the local stack: photos in, counts and verdicts out."""

from __future__ import annotations

import io
import json
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from bintally.adapters.order_files import reports_prefix
from PIL import Image

from tests.stack.conftest import ROOT, Floor, eventually

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]
SETTLED = {"COUNTED", "REJECTED", "FAILED", "SUPERSEDED"}


def settled(floor: Floor, prefix: str, number: int) -> list[dict[str, Any]]:
    """The ledger's entries below `prefix`, once all `number` of them are in a terminal state."""

    def look() -> list[dict[str, Any]] | None:
        images = floor.images(key=prefix)
        return images if len(images) == number and all(i["status"] in SETTLED for i in images) else None

    found = eventually(look, f"{number} images below {prefix} settled")
    assert isinstance(found, list)
    return found


def test_a_dropped_image_is_counted_and_its_consignment_has_a_verdict(floor: Floor, drawings: list[bytes]) -> None:
    floor.order(
        "first-light.csv", b"consignment_id,bin_id,expected\nFL-1,first-1,2\nFL-1,first-2,400\nFL-1,first-3,1\n"
    )
    floor.drop("first-1/front.jpg", drawings[1])
    floor.drop("first-2.jpg", drawings[2])

    eventually(lambda: floor.bin("first-1").get("count") and floor.bin("first-2").get("count"), "two bins counted")
    lines = eventually(
        lambda: (found := floor.lines("FL-1")) and found["first-1"]["verdict"] != "PENDING" and found, "a verdict"
    )

    first = floor.bin("first-1")
    assert first["status"] == "COUNTED"
    assert first["model"].startswith("resnet50@")
    assert lines["first-1"]["verdict"] in {"MATCH", "SHORT", "OVER", "UNCERTAIN"}
    assert lines["first-1"]["counted"] == first["count"]
    assert eventually(lambda: floor.lines("FL-1")["first-2"]["verdict"] in {"SHORT", "UNCERTAIN"}, "a verdict on 400")
    assert floor.lines("FL-1")["first-3"]["verdict"] == "PENDING"


def bomb() -> bytes:
    """A PNG of some 100 bytes that claims 50,000 x 50,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def encoded(drawing: bytes, form: str) -> bytes:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(drawing)).save(buffer, form)
    return buffer.getvalue()


def test_a_drop_of_a_hundred_with_poison_and_hostile_keys(floor: Floor, drawings: list[bytes]) -> None:
    good = {f"hundred/{n:02}/photo.jpg": drawings[n % len(drawings)] for n in range(86)}
    good |= {
        "hundred/with space/a photo.jpg": drawings[0],
        "hundred/a+b/c+d.jpg": drawings[1],
        "hundred/100%/50%25.jpg": drawings[2],
        "hundred/café/é.jpg": drawings[3],
        "hundred/日本/写真.jpg": drawings[4],
        "hundred/CAPITALS/PHOTO.JPEG": drawings[5],
        "hundred/PNG/PHOTO.PNG": encoded(drawings[6], "PNG"),
        f"hundred/{'n' * 900}.jpg": drawings[7],
    }
    bad = {
        "hundred/bad-empty/x.jpg": (b"", "empty_file"),
        "hundred/bad-text/x.jpg": (b"this is not a photo\n" * 40, "unsupported_format"),
        "hundred/bad-half/x.jpg": (drawings[0][: len(drawings[0]) // 2], "corrupt_image"),
        "hundred/bad-bomb/x.png": (bomb(), "too_many_pixels"),
        "hundred/bad-gif/x.gif": (encoded(drawings[0], "GIF"), "unsupported_format"),
        "hundred/bad-tiny/x.png": (encoded(drawings[0], "PNG")[:40], "corrupt_image"),
    }
    assert len(good) + len(bad) == 100
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(floor.drop, good, good.values()))
        list(pool.map(floor.drop, bad, (body for body, _ in bad.values())))

    entries = {entry["key"]: entry for entry in settled(floor, "hundred/", 100)}

    assert set(entries) == set(good) | set(bad)
    assert {key for key, entry in entries.items() if entry["status"] == "COUNTED"} == set(good)
    for key, (_, code) in bad.items():
        assert entries[key]["status"] == "REJECTED", entries[key]
        assert entries[key]["code"] == code, entries[key]
        assert len(entries[key]["reason"]) > 20, entries[key]
        assert floor.bin(entries[key]["bin_id"])["status"] == "UNREADABLE"
    assert floor.bin("日本")["key"] == "hundred/日本/写真.jpg"
    assert floor.bin("100%")["count"] in "12345"


def notification(floor: Floor, key: str, version: str, sequencer: str, *, at: str = "2026-05-04T10:00:00.000Z") -> str:
    """The body of the SQS message with which S3 announces a version of a photo."""
    stored = {"key": quote_plus(key, safe="/"), "size": 1, "eTag": "0", "versionId": version, "sequencer": sequencer}
    record = {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": at}
    record["s3"] = {"bucket": {"name": floor.stack.outputs["IntakeBucket"]}, "object": stored}  # type: ignore[assignment]
    return json.dumps({"Records": [record]})


def delivery(*bodies: str) -> dict[str, object]:
    return {
        "Records": [
            {"messageId": str(n), "receiptHandle": "r", "body": body, "attributes": {}, "messageAttributes": {}}
            | {"md5OfBody": "", "eventSource": "aws:sqs", "eventSourceARN": "arn", "awsRegion": "us-east-1"}
            for n, body in enumerate(bodies)
        ]
    }


def test_fifty_deliveries_of_one_event_change_nothing_after_the_first(floor: Floor, drawings: list[bytes]) -> None:
    version = floor.drop("fifty/photo.jpg", drawings[3])
    (first,) = settled(floor, "fifty/", 1)
    before = floor.bin("fifty")
    event = delivery(notification(floor, "fifty/photo.jpg", version, first["sequencer"]))

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: floor.invoke("IntakeFunction", event), range(50)))

    assert answers == [{"batchItemFailures": []}] * 50
    assert floor.images(key="fifty/") == [first]
    assert floor.bin("fifty") == before


def test_fifty_concurrent_deliveries_of_a_new_image_make_one_job(floor: Floor, drawings: list[bytes]) -> None:
    key = "elsewhere/never-announced.jpg"
    event = delivery(notification(floor, key, "no-such-version", "00A1"))

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: floor.invoke("IntakeFunction", event), range(50)))

    (entry,) = settled(floor, "elsewhere/", 1)
    assert entry["status"] == "FAILED"
    assert entry["code"] == "not_found"
    job = floor.dynamodb.get_item(
        TableName=floor.stack.outputs["JobsTable"], Key={"job_id": {"S": entry["job_id"]}}, ConsistentRead=True
    )["Item"]
    assert job["send_count"]["N"] == "1"
    assert job["status"]["S"] == "DONE"


def test_an_older_version_that_arrives_later_does_not_replace_the_count(floor: Floor, drawings: list[bytes]) -> None:
    older = floor.drop("versions/photo.jpg", drawings[0])
    eventually(lambda: floor.bin("versions").get("version_id") == older, "the first version counted")
    newer = floor.drop("versions/photo.jpg", drawings[4])
    shown = eventually(
        lambda: (now := floor.bin("versions"))["version_id"] == newer and now, "the second version counted"
    )
    late = delivery(notification(floor, "versions/photo.jpg", older, "0", at="2036-01-01T00:00:00.000Z"))
    late["Records"][0]["body"] = late["Records"][0]["body"].replace(older, "an-older-version")  # type: ignore[index]

    floor.invoke("IntakeFunction", late)

    settled(floor, "versions/", 3)
    assert floor.bin("versions") == shown


def test_orders_imported_three_times_are_one_set_and_bad_rows_are_named(floor: Floor) -> None:
    good = b"consignment_id,bin_id,expected,due_at\nOR-1,orders-1,3,2030-01-01\nOR-1,orders-2,1,\n"
    bad = b"OR-1,orders-3,many,\nOR-1,orders-4,,\nOR\x071,orders-5,2,\n"

    def report(number: int) -> dict[str, Any] | None:
        """The report on an import that is done; it is there before that, and says how far the import is."""
        bucket = floor.stack.outputs["JobsBucket"]
        found = floor.s3.list_objects_v2(Bucket=bucket, Prefix=reports_prefix(f"orders-{number}.csv"))
        for stored in found.get("Contents", []):
            answer = json.loads(floor.s3.get_object(Bucket=bucket, Key=stored["Key"])["Body"].read())
            return dict(answer) if answer["state"] == "done" else None
        return None

    for number in range(3):
        floor.order(f"orders-{number}.csv", good + bad)
    reports = [eventually(lambda number=number: report(number), "the import's report") for number in range(3)]

    assert [r["accepted"] for r in reports] == [2, 2, 2]
    assert [[row["line"] for row in r["refused"]] for r in reports] == [[4, 5, 6]] * 3
    assert "many" in reports[0]["refused"][0]["reason"]
    lines = floor.lines("OR-1")
    assert {bin_id: line["expected"] for bin_id, line in lines.items()} == {"orders-1": "3", "orders-2": "1"}


def test_the_dead_letter_queue_keeps_foreign_messages(floor: Floor) -> None:
    forged = delivery(
        '{"not": "a notification"}', notification(floor, "forged/x.jpg", "v", "1").replace("-intake-", "-other-")
    )

    answer = floor.invoke("IntakeFunction", forged)

    assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == ["0", "1"]
    assert floor.images(key="forged/") == []


FUNCTIONS = ("intake", "submit", "collect", "orders", "reconcile")
EVENTS = sorted(path for name in FUNCTIONS for path in (ROOT / "events" / name).glob("*.json"))


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_event_file_is_accepted_by_its_function(floor: Floor, path: Path) -> None:
    function = f"{path.parent.name.capitalize()}Function"

    assert floor.invoke(function, json.loads(path.read_text())) is not None
