from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote_plus

import pytest
from bintally.adapters.clients import client
from bintally.adapters.order_files import reports_prefix
from bintally.domain.catalogue import CATALOGUE_KEY
from bintally.domain.order_rows import MAX_BYTES
from bintally.domain.verdicts import Verdict
from bintally.handlers import wiring

from tests.unit.functions.handlers.lambdas import bodies, event, failed, messages, requests_made, run

HEADER = b"consignment_id,bin_id,expected\n"


def put(
    environment: dict[str, str], key: str, data: bytes, at: str = "2026-05-04T09:00:00.250Z", *, mode: str = ""
) -> dict[str, Any]:
    """Upload an order file; its message."""
    metadata = {"bintally-mode": mode} if mode else {}
    stored = client("s3").put_object(Bucket=environment["ORDERS_BUCKET"], Key=key, Body=data, Metadata=metadata)
    (body,) = bodies("orders/csv-file.json")
    (record,) = body["Records"]
    record["eventTime"] = at
    record["s3"]["object"] |= {
        "key": quote_plus(key),
        "versionId": stored["VersionId"],
        "sequencer": at.translate({45: "", 58: ""}),
    }
    return body


def expected() -> dict[tuple[str, str], int]:
    return {(line.consignment_id, line.bin_id): line.expected for line in wiring.dependencies().orders.all()}


def verdicts() -> dict[tuple[str, str], Verdict]:
    return {(line.consignment_id, line.bin_id): line.verdict for line in wiring.dependencies().orders.all()}


def report(environment: dict[str, str], key: str) -> bytes:
    """The report on the one version of a file."""
    (found,) = client("s3").list_objects_v2(Bucket=environment["JOBS_BUCKET"], Prefix=reports_prefix(key))["Contents"]
    held = client("s3").get_object(Bucket=environment["JOBS_BUCKET"], Key=found["Key"])
    data: bytes = held["Body"].read()
    return data


def test_a_version_that_was_replaced_is_still_the_one_that_is_read(on_aws: dict[str, str]) -> None:
    first = put(on_aws, "o.csv", HEADER + b"C-1,a,1\nC-1,b,1\n", "2026-05-04T09:00:00.000Z")
    second = put(on_aws, "o.csv", HEADER + b"C-1,a,2\n", "2026-05-04T09:00:01.000Z")

    assert failed(run("orders", messages(second))) == []
    assert failed(run("orders", messages(first))) == []

    assert expected() == {("C-1", "a"): 2, ("C-1", "b"): 1}
    assert verdicts() == {("C-1", "a"): Verdict.PENDING, ("C-1", "b"): Verdict.WITHDRAWN}


def test_three_imports_are_as_good_as_one(on_aws: dict[str, str]) -> None:
    message = put(on_aws, "o.csv", HEADER + b"C-1,a,1\nC-1,b,2\n")
    run("orders", messages(message))
    once = client("dynamodb").scan(TableName=on_aws["CONSIGNMENTS_TABLE"])["Items"]

    run("orders", messages(message, message))

    assert client("dynamodb").scan(TableName=on_aws["CONSIGNMENTS_TABLE"])["Items"] == once


def test_bad_rows_are_in_the_report_and_are_no_failure(on_aws: dict[str, str]) -> None:
    message = put(on_aws, "o.csv", HEADER + b"C-1,a,1\nC-1,b,many\n")

    assert failed(run("orders", messages(message))) == []

    assert expected() == {("C-1", "a"): 1}
    assert b'"line": 3' in report(on_aws, "o.csv")


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n", b"[", b"[" * 100_000, b"a,b\n1,2\n", "é".encode("latin-1")])
def test_a_file_that_is_not_an_order_file_is_reported_and_acknowledged(data: bytes, on_aws: dict[str, str]) -> None:
    """Delivered again it would be no better."""
    assert failed(run("orders", messages(put(on_aws, "o.csv", data)))) == []

    assert b'"accepted": 0' in report(on_aws, "o.csv")


def test_one_file_that_is_gone_does_not_keep_the_others(on_aws: dict[str, str]) -> None:
    gone = put(on_aws, "gone.csv", HEADER)
    gone["Records"][0]["s3"]["object"]["key"] = "never-there.csv"
    forged = put(on_aws, "o.csv", HEADER)
    forged["Records"][0]["s3"]["bucket"]["name"] = on_aws["INTAKE_BUCKET"]

    answer = run("orders", messages(gone, forged, put(on_aws, "o.csv", HEADER + b"C-1,a,1\n")))

    assert failed(answer) == ["m0", "m1"]
    assert expected() == {("C-1", "a"): 1}


def test_a_forged_message_reads_nothing(on_aws: dict[str, str]) -> None:
    forged = put(on_aws, "o.csv", HEADER)
    forged["Records"][0]["s3"]["bucket"]["name"] = "elsewhere"

    with requests_made() as made:
        run("orders", messages(forged))

    assert made == []


def test_a_file_that_is_too_large_is_reported_and_acknowledged(on_aws: dict[str, str]) -> None:
    assert failed(run("orders", messages(put(on_aws, "o.csv", b"x" * (MAX_BYTES + 1))))) == []

    assert b"20,971,521 bytes; at most 20,971,520" in report(on_aws, "o.csv")


def test_an_unfinished_import_continues_with_a_new_message(on_aws: dict[str, str]) -> None:
    runs, waiting = 0, [json.dumps(put(on_aws, "ö #1.csv", HEADER + b"C-1,a,1\nC-2,b,1\n"))]
    while waiting:
        assert failed(run("orders", messages(waiting.pop()), seconds_left=1)) == []
        runs += 1
        queued = client("sqs").receive_message(QueueUrl=on_aws["ORDERS_QUEUE"], MaxNumberOfMessages=10)
        waiting += [message["Body"] for message in queued.get("Messages", [])]

    assert runs == 2  # the lines, and then what their consignments no longer have
    assert expected() == {("C-1", "a"): 1, ("C-2", "b"): 1}
    assert b'"state": "done"' in report(on_aws, "ö #1.csv")


def test_a_file_that_adds_replaces_nothing(on_aws: dict[str, str]) -> None:
    run("orders", messages(put(on_aws, "o.csv", HEADER + b"C-1,a,1\n", "2026-05-04T09:00:00.000Z")))

    more = put(on_aws, "more.csv", HEADER + b"C-1,b,2\n", "2026-05-04T09:00:01.000Z", mode="add")
    run("orders", messages(more))

    assert set(verdicts().values()) == {Verdict.PENDING}
    assert b'"mode": "add"' in report(on_aws, "more.csv")


def test_the_test_of_s3_is_acknowledged(on_aws: dict[str, str]) -> None:
    assert failed(run("orders", event("intake/s3-test-event.json"))) == []


def test_the_catalogue_gives_volumes_and_is_no_order_file(on_aws: dict[str, str]) -> None:
    catalogue = put(on_aws, CATALOGUE_KEY, b"sku,volume_l\nMUG,0.35\nBOX,many\n")
    orders = put(on_aws, "o.csv", b"consignment_id,bin_id,expected,sku\nC-1,a,3,MUG\nC-1,b,3,BOX\n")

    assert failed(run("orders", messages(catalogue, orders))) == []

    volumes = {line.bin_id: line.item_volume_l for line in wiring.dependencies().orders.all()}
    assert volumes == {"a": 0.35, "b": None}
    checked = json.loads(report(on_aws, CATALOGUE_KEY))
    assert (checked["items"], checked["refused_rows"], checked["refused"][0]["line"]) == (1, 1, 3)
    assert json.loads(report(on_aws, "o.csv"))["without_volume"] == 1


def test_without_a_catalogue_lines_have_no_volume(on_aws: dict[str, str]) -> None:
    orders = put(on_aws, "o.csv", b"consignment_id,bin_id,expected,sku\nC-1,a,3,MUG\n")

    assert failed(run("orders", messages(orders))) == []

    assert json.loads(report(on_aws, "o.csv"))["without_volume"] == 1
