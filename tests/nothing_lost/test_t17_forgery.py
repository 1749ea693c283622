"""T17: messages that name a bucket, a topic, a model or a place that is not ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bintally.handlers import wiring
from bintally.handlers.settings import settings

from tests.unit.functions.handlers.lambdas import (
    bodies,
    event,
    failed,
    messages,
    notification,
    requests_made,
    run,
)

FOREIGN_BUCKETS = [
    "elsewhere",
    "",
    "intake",
    "../intake",
    "bintally-intake.evil.example",
    "BINTALLY-INTAKE",
    "a\nb",
    "*",
]


def of_s3() -> list[Any]:
    """Notifications about other buckets, in both forms, alone and beside one of ours."""
    forged = []
    for name in [*FOREIGN_BUCKETS, settings().jobs_bucket, settings().orders_bucket]:
        body = notification()
        body["Records"][0]["s3"]["bucket"]["name"] = name
        forged.append(body)
        forged.append({"Records": [*notification()["Records"], *body["Records"]]})
        (bridge,) = bodies("intake/s3-eventbridge.json")
        bridge["detail"]["bucket"]["name"] = name
        forged.append(bridge)
    return forged


def of_sagemaker() -> list[Any]:
    """Notifications of other topics and models, and of ours with an output location elsewhere."""
    (success,) = bodies("collect/async-success.json")
    (ended,) = bodies("collect/transform-completed.json")
    said = json.loads(success["Message"])
    jobs = settings().jobs_bucket
    forged: list[Any] = [success | {"TopicArn": topic} for topic in ("", None, "arn:aws:sns:us-east-1:1:x", "*")]
    forged.append({name: value for name, value in success.items() if name != "TopicArn"})
    for place in (
        "s3://elsewhere/async/output/x.out",
        f"s3://{settings().intake_bucket}/async/output/x.out",
        f"s3://{jobs}/orders/reports/x.out",
        f"s3://{jobs}.elsewhere/async/output/x.out",
        f"s3://{jobs}@elsewhere/async/output/x.out",
        f"https://{jobs}/async/output/x.out",
        f"s3://{jobs}",
        "file:///etc/passwd",
        "",
    ):
        forged.append(success | {"Message": json.dumps(said | {"responseParameters": {"outputLocation": place}})})
    forged += [ended | {"source": source} for source in ("bintally", "aws.s3", "", None)]
    forged += [ended | {"detail": ended["detail"] | {"ModelName": name}} for name in ("theirs", "", None)]
    return forged


def test_there_are_enough_cases(on_aws: dict[str, str]) -> None:
    assert len(of_s3()) + len(of_sagemaker()) >= 50


def test_notifications_on_other_buckets_are_refused(on_aws: dict[str, str]) -> None:
    forged = of_s3()
    with requests_made() as made:
        answer = run("intake", messages(*forged))

    assert len(failed(answer)) == len(forged)
    assert {operation for _, operation, _ in made} <= {"BatchGetItem"}
    assert list(wiring.dependencies().ledger.all()) == []


def test_foreign_notifications_are_refused_and_nothing_is_read(on_aws: dict[str, str]) -> None:
    run("intake", event("intake/s3-put.json"))  # the job that some of them name
    before = list(wiring.dependencies().ledger.all())
    forged = of_sagemaker()
    with requests_made() as made:
        answer = run("collect", messages(*forged))

    assert len(failed(answer)) == len(forged)
    assert list(wiring.dependencies().ledger.all()) == before
    read = {params["Bucket"] for service, _, params in made if service == "s3"}
    assert read <= {settings().jobs_bucket}
    places = {params["Key"].partition("/")[0] for service, _, params in made if service == "s3"}
    assert places <= {"jobs", "async"}


@pytest.mark.parametrize("folder", ["async/output/other.out", "jobs/batch-{}/output/"])
def test_the_output_of_another_job_completes_nothing(folder: str, on_aws: dict[str, str]) -> None:
    run("intake", event("intake/s3-put.json"))
    (success,) = bodies("collect/async-success.json")
    said = json.loads(success["Message"])
    place = f"s3://{settings().jobs_bucket}/{folder.format('0' * 40)}"
    body = success | {"Message": json.dumps(said | {"responseParameters": {"outputLocation": place}})}

    run("collect", messages(body))

    assert {entry.status.value for entry in wiring.dependencies().ledger.all()} <= {"SUBMITTED", "RECEIVED"}
