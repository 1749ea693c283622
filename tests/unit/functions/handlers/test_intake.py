from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from bintally.adapters.clients import client
from bintally.domain.errors import InvalidEventError, SettingError, StoreError
from bintally.domain.image import Status
from bintally.domain.jobs import JobStatus
from bintally.handlers import wiring
from bintally.handlers.settings import settings

from tests.unit.functions.examples import HOSTILE_KEYS
from tests.unit.functions.handlers.lambdas import (
    bodies,
    event,
    failed,
    messages,
    notification,
    refused_by_sagemaker,
    requests_made,
    run,
)

SLOW = r"^(?P<bin_id>(\w+\s?)+)$"  # where `re` tries every way to split a word
HOSTILE = "a" * 1_000 + "!"
FORGED = notification()
FORGED["Records"][0]["s3"]["bucket"]["name"] = "elsewhere"
BAD = ["", "no JSON", "{}", FORGED, {"Records": [{"eventName": "ObjectCreated:Put"}]}]


def keys_in_the_ledger() -> list[str]:
    found = client("dynamodb").scan(TableName=settings().images_table)["Items"]
    return sorted(item["key"]["S"] for item in found)


def test_good_messages_are_one_job(on_aws: dict[str, str]) -> None:
    with requests_made() as made:
        answer = run("intake", messages(*(notification(f"bin-{number}/a.jpg") for number in range(20))))

    assert failed(answer) == []
    assert [operation for _, operation, _ in made].count("InvokeEndpointAsync") == 1
    assert wiring.dependencies().ledger.statuses() == {Status.SUBMITTED: 20}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_message_is_retried_and_the_others_succeed(bad: Any, on_aws: dict[str, str]) -> None:
    answer = run("intake", messages(notification("a/1.jpg"), bad, notification("b/1.jpg")))

    assert failed(answer) == ["m1"]
    assert keys_in_the_ledger() == ["a/1.jpg", "b/1.jpg"]


@pytest.mark.parametrize("function", ["intake", "collect", "orders"])
@pytest.mark.parametrize("unknown", [{}, {"Records": None}, {"source": "aws.events"}])
@pytest.mark.filterwarnings("ignore:No application metrics to publish")
def test_an_event_that_is_not_from_sqs_is_refused(
    function: str, unknown: dict[str, Any], on_aws: dict[str, str]
) -> None:
    with pytest.raises(InvalidEventError, match="no list of Records"):
        run(function, unknown)


def test_exactly_the_bad_messages_of_any_batch_are_retried(on_aws: dict[str, str]) -> None:
    for number, mixture in enumerate(itertools.product([True, False], repeat=4)):
        good = [notification(f"{number}-{place}/a.jpg") for place in range(4)]
        answer = run("intake", messages(*(good[place] if fine else FORGED for place, fine in enumerate(mixture))))
        assert failed(answer) == [f"m{place}" for place, fine in enumerate(mixture) if not fine]

    assert wiring.dependencies().ledger.statuses() == {Status.SUBMITTED: 4 * 8}


def test_if_all_messages_are_bad_all_are_retried(on_aws: dict[str, str]) -> None:
    assert failed(run("intake", messages(*BAD))) == ["m0", "m1", "m2", "m3", "m4"]


def test_the_same_event_fifty_times_changes_nothing_after_the_first(on_aws: dict[str, str]) -> None:
    run("intake", event("intake/s3-put.json"))
    tables = [settings().images_table, settings().jobs_table]
    once = [client("dynamodb").scan(TableName=table)["Items"] for table in tables]

    with requests_made() as made:
        for _ in range(49):
            run("intake", event("intake/s3-put.json"))

    assert [client("dynamodb").scan(TableName=table)["Items"] for table in tables] == once
    assert {operation for _, operation, _ in made} == {"BatchGetItem"}


def test_both_forms_of_a_notification_are_the_same_image(on_aws: dict[str, str]) -> None:
    (of_event_bridge,) = bodies("intake/s3-eventbridge.json")
    stored = of_event_bridge["detail"]["object"]
    of_s3 = notification("P-18-A/photo+%2B+2.jpg", stored["sequencer"], versionId=stored["version-id"])

    run("intake", messages(of_s3, of_event_bridge))

    assert keys_in_the_ledger() == ["P-18-A/photo + 2.jpg"]


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_hostile_key_is_accepted_unchanged(key: str, on_aws: dict[str, str]) -> None:
    body = bodies("intake/s3-eventbridge.json")[0]
    body["detail"]["object"]["key"] = key

    assert failed(run("intake", messages(body))) == []

    assert keys_in_the_ledger() == [key]


def test_a_bin_is_found_by_the_operators_pattern(on_aws: dict[str, str], setting: Callable[[str, str], None]) -> None:
    setting("KEY_PATTERN", r"(?P<bin_id>[A-Z]-\d+-[A-Z])")

    run("intake", messages(notification("cam3/P-17-C_front.jpg")))

    (item,) = client("dynamodb").scan(TableName=settings().images_table)["Items"]
    assert item["bin_id"] == {"S": "P-17-C"}


def test_a_large_delivery_is_cut_into_the_operators_batches(
    on_aws: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICRO_BATCH_SIZE", "3")
    settings.cache_clear()

    run("intake", messages(*(notification(f"bin-{number}/a.jpg") for number in range(8))))

    jobs = client("dynamodb").scan(TableName=settings().jobs_table)["Items"]
    assert sorted(item["images"]["N"] for item in jobs) == ["2", "3", "3"]


@pytest.mark.filterwarnings("ignore:No application metrics to publish")
def test_a_table_that_is_gone_fails_the_whole_delivery(on_aws: dict[str, str]) -> None:
    """Nothing is acknowledged that was not written."""
    client("dynamodb").delete_table(TableName=settings().images_table)

    with pytest.raises(StoreError):
        run("intake", event("intake/s3-put.json"))


@pytest.mark.filterwarnings("ignore:No application metrics to publish")
def test_a_variable_that_is_missing_is_named(on_aws: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOBS_TABLE")
    settings.cache_clear()

    with pytest.raises(SettingError, match="JOBS_TABLE"):
        run("intake", event("intake/s3-put.json"))


def test_a_bad_message_is_logged_on_one_line_with_its_id(
    on_aws: dict[str, str], logs: Callable[[], list[dict[str, Any]]]
) -> None:
    forged = notification()
    forged["Records"][0]["s3"]["bucket"]["name"] = "else\nwhere\u2028\x1b[31m"

    run("intake", messages(forged))

    (line,) = [line for line in logs() if line["level"] == "ERROR"]
    assert (line["message_id"], line["message"]) == ("m0", "message failed")
    assert line["exception_name"] == "InvalidEventError"


def test_a_delivery_is_counted(on_aws: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    run("intake", event("intake/s3-put.json"))

    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert (line["ImagesRegistered"], line["ImagesRepeated"]) == ([2], [0])
    assert line["service"] == "bintally"


def test_a_waiting_job_does_not_fail_its_messages(
    on_aws: dict[str, str], logs: Callable[[], list[dict[str, Any]]]
) -> None:
    """The photos are in the ledger, and the schedule sends the job."""
    with refused_by_sagemaker():
        answer = run("intake", event("intake/s3-put.json"))

    assert failed(answer) == []
    assert "job waits for the next submit" in [line["message"] for line in logs()]
    assert len(wiring.dependencies().jobs.unfinished(JobStatus.OPEN, "9", 10)) == 1


@pytest.mark.parametrize(
    ("mode", "number", "status"),
    [
        ("async", 7, Status.SUBMITTED),
        ("batch", 1, Status.RECEIVED),
        ("auto", 9, Status.SUBMITTED),
        ("auto", 10, Status.RECEIVED),
    ],
)
def test_a_delivery_is_submitted_or_left_to_the_schedule_as_the_operator_chose(
    mode: str, number: int, status: Status, on_aws: dict[str, str], setting: Callable[[str, str], None]
) -> None:
    setting("INFERENCE_MODE", mode)
    setting("ENGINES", "async,batch,lambda")
    setting("BATCH_THRESHOLD", "10")

    answer = run("intake", messages(*(notification(f"bin-{index}/a.jpg") for index in range(number))))

    assert failed(answer) == []
    assert wiring.dependencies().ledger.statuses() == {status: number}


def test_a_hostile_key_costs_a_slow_pattern_no_time(
    on_aws: dict[str, str], setting: Callable[[str, str], None]
) -> None:
    setting("KEY_PATTERN", SLOW)

    delivery = messages(*(notification(key, f"{number:04}") for number, key in enumerate([HOSTILE, "P-17-C"])))
    assert failed(run("intake", delivery)) == []

    bins = {entry.image.key: entry.image.bin_id for entry in wiring.dependencies().ledger.all()}
    assert bins == {HOSTILE: HOSTILE, "P-17-C": "P-17-C"}


@pytest.mark.filterwarnings("ignore:No application metrics to publish")
@pytest.mark.parametrize("pattern", ["(", r"(?P<bin>\w+)", r"\w+", r"(?P<bin_id>a)\1", r"(?=x)(?P<bin_id>a)"])
def test_a_pattern_that_is_none_fails_the_function_and_not_each_message(
    on_aws: dict[str, str], setting: Callable[[str, str], None], pattern: str
) -> None:
    setting("KEY_PATTERN", pattern)

    with pytest.raises(SettingError, match="The environment variable KEY_PATTERN"):
        run("intake", event("intake/s3-put.json"))
