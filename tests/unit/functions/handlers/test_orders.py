from __future__ import annotations

from typing import Any

import pytest
from bintally.adapters.clients import client
from bintally.adapters.order_files import MOST_BYTES, report_key
from bintally.handlers import wiring

from tests.unit.functions.handlers.lambdas import bodies, event, failed, messages, requests_made, run

HEADER = b"consignment_id,bin_id,expected\n"


def put(environment: dict[str, str], key: str, data: bytes, at: str = "2026-05-04T09:00:00.250Z") -> dict[str, Any]:
    """Put an order file; the message that tells of it."""
    stored = client("s3").put_object(Bucket=environment["ORDERS_BUCKET"], Key=key, Body=data)
    (body,) = bodies("orders/csv-file.json")
    (record,) = body["Records"]
    record["eventTime"] = at
    record["s3"]["object"] |= {
        "key": key,
        "versionId": stored["VersionId"],
        "sequencer": at.translate({45: "", 58: ""}),
    }
    return body


def expected() -> dict[tuple[str, str], int]:
    return {(line.consignment_id, line.bin_id): line.expected for line in wiring.orders().all()}


def report(environment: dict[str, str], key: str) -> bytes:
    held = client("s3").get_object(Bucket=environment["JOBS_BUCKET"], Key=report_key(key))
    data: bytes = held["Body"].read()
    return data


def test_a_version_that_was_replaced_is_still_the_one_that_is_read(on_aws: dict[str, str]) -> None:
    first = put(on_aws, "o.csv", HEADER + b"C-1,a,1\nC-1,b,1\n", "2026-05-04T09:00:00.000Z")
    second = put(on_aws, "o.csv", HEADER + b"C-1,a,2\n", "2026-05-04T09:00:01.000Z")

    assert failed(run("orders", messages(second))) == []
    assert failed(run("orders", messages(first))) == []

    assert expected() == {("C-1", "a"): 2, ("C-1", "b"): 1}


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
def test_a_file_that_is_no_order_file_is_reported_and_acknowledged(data: bytes, on_aws: dict[str, str]) -> None:
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


def test_a_file_that_is_too_large_is_refused(on_aws: dict[str, str]) -> None:
    assert failed(run("orders", messages(put(on_aws, "o.csv", b"x" * (MOST_BYTES + 1))))) == ["m0"]


def test_the_test_of_s3_is_acknowledged(on_aws: dict[str, str]) -> None:
    assert failed(run("orders", event("intake/s3-test-event.json"))) == []
