"""T9: awkward and malicious keys, from the notification to the request for the photo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

import pytest
from binmodel.manifest import read_manifest
from bintally.adapters.clients import client
from bintally.handlers import wiring
from bintally.handlers.settings import settings

from tests.nothing_lost.keys import KEYS
from tests.unit.functions.handlers.lambdas import bodies, failed, messages, notification, requests_made, run

WRITES = ("PutObject", "CopyObject", "DeleteObject")


def of_s3(key: str, number: int) -> dict[str, Any]:
    return notification(quote_plus(key, safe="/"), f"{number:04X}")


def of_event_bridge(key: str, number: int) -> dict[str, Any]:
    (body,) = bodies("intake/s3-eventbridge.json")
    body["detail"]["object"] |= {"key": key, "sequencer": f"{number:04X}", "version-id": f"v-{number:04X}"}
    return body


def test_there_are_enough_cases() -> None:
    assert len(set(KEYS)) == len(KEYS) >= 50


@pytest.mark.parametrize("form", [of_s3, of_event_bridge])
def test_every_key_is_accepted_unchanged(
    form: Callable[[str, int], dict[str, Any]], on_aws: dict[str, str], logs: Callable[[], list[dict[str, Any]]]
) -> None:
    answer = run("intake", messages(*(form(key, number) for number, key in enumerate(KEYS))))

    assert failed(answer) == []
    registered = {entry.image.key: entry.image for entry in wiring.dependencies().ledger.all()}
    assert registered.keys() == set(KEYS)
    submitted = {entry.key: entry for body in manifests() for entry in read_manifest(body)}
    assert submitted.keys() == {key for key in KEYS if not key.endswith("/")}  # those are folders
    for key, entry in submitted.items():
        assert (entry.bucket, entry.problem) == (settings().intake_bucket, None)
        assert (entry.image_id, entry.version_id) == (registered[key].image_id, registered[key].version_id)
    assert all(line["level"] == "INFO" for line in logs())  # each of them is one line of JSON


@pytest.mark.parametrize("form", [of_s3, of_event_bridge])
def test_nothing_is_written_beside_the_jobs(form: Callable[[str, int], dict[str, Any]], on_aws: dict[str, str]) -> None:
    with requests_made() as made:
        run("intake", messages(*(form(key, number) for number, key in enumerate(KEYS))))

    writes = [params for service, operation, params in made if service == "s3" and operation in WRITES]
    places = {(params["Bucket"], params["Key"]) for params in writes}
    assert places
    for bucket, key in places:
        assert bucket == settings().jobs_bucket
        assert key.startswith("jobs/async-")
        assert key.endswith("/input/manifest.jsonl")
    assert client("s3").list_objects_v2(Bucket=settings().intake_bucket)["KeyCount"] == 0


def manifests() -> list[bytes]:
    """The keys in the jobs bucket."""
    s3, bucket = client("s3"), settings().jobs_bucket
    found = s3.list_objects_v2(Bucket=bucket)["Contents"]
    return [s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in found]


@pytest.mark.parametrize("function", ["intake", "collect"])
def test_a_bad_message_with_any_of_them_is_one_log_line(
    function: str, on_aws: dict[str, str], logs: Callable[[], list[dict[str, Any]]]
) -> None:
    forged = []
    for key in KEYS:
        body = of_event_bridge(key, 1)
        body["detail"]["bucket"]["name"] = key
        forged.append(body)

    assert len(failed(run(function, messages(*forged)))) == len(forged)
    assert len([line for line in logs() if line["level"] == "ERROR"]) == len(forged)
