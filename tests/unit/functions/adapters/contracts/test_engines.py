"""What the use cases may rely on: the engines."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from bintally.domain.errors import EngineUnavailableError, InvalidEventError, QuotaExceededError
from bintally.domain.image import Image
from bintally.domain.jobs import EngineName, Job, JobResult, JobStatus
from bintally.domain.transforms import name_of

from tests.fakes import Fakes
from tests.unit.functions.adapters.contracts.ports import (
    ANSWER,
    BATCH,
    IMAGES,
    INVOCATION,
    JOB,
)
from tests.unit.functions.aws import client, table
from tests.unit.functions.examples import (
    HOSTILE_KEYS,
    make_image,
    prediction,
)
from tests.unit.functions.usecases.runs import first_job_of

ENGINES = pytest.mark.parametrize("job", [JOB, BATCH, INVOCATION], ids=["async", "batch", "lambda"])


def engine_of(ports: Any, job: Job) -> Any:
    return getattr(ports, f"{job.engine}_engine")


def shards_of(job: Job) -> list[list[Image]]:
    return [IMAGES[:2], IMAGES[2:]] if job.engine is EngineName.BATCH else [IMAGES]


def requested_ids(job: Job) -> list[list[str]]:
    return [sorted(image.image_id for image in images) for images in shards_of(job)]


def sent(ports: Any, job: Job) -> Job:
    """A job that its engine accepted."""
    engine_of(ports, job).prepare(job, shards_of(job))
    return replace(job, status=JobStatus.SENT, **engine_of(ports, job).submit(job))


def answer(ports: Any, job: Job, shards: list[int], failure: str = "") -> None:
    """The engine finishes these shards, and fails if there is a `failure`."""
    records = [prediction(image) for number in shards for image in shards_of(job)[number]]
    if isinstance(ports, Fakes):
        _answer_by_fake(engine_of(ports, job), job, records, failure)
    elif job.engine is not EngineName.BATCH:
        put(job.failure_location, failure) if failure else put(job.output_location, lines(records))
    else:
        for number in shards:
            put(f"{job.output_location}{number:05}.jsonl.out", lines(map(prediction, shards_of(job)[number])))
        ended = {"TransformJobStatus": "Failed", "FailureReason": failure} if failure else {}
        ports.sagemaker.transforms[name_of(job)] = ended or {"TransformJobStatus": "Completed"}


def polled(ports: Any, job: Job) -> JobResult:
    """The engine's result of the job, whenever it ended."""
    result: JobResult = engine_of(ports, job).poll(job)
    return replace(result, ended_at="")


def _answer_by_fake(engine: Any, job: Job, records: list[dict[str, object]], failure: str) -> None:
    if records:
        engine.answer(job, records)
    if failure:
        engine.failures[job.job_id] = failure


def lines(records: Any) -> str:
    return "".join(f"{json.dumps(record)}\n" for record in records)


def put(location: str, body: str) -> None:
    bucket, _, key = location.removeprefix("s3://").partition("/")
    client("s3").put_object(Bucket=bucket, Key=key, Body=body.encode())


def test_hostile_keys_do_no_harm_to_a_manifest(ports: Any) -> None:
    images = [make_image(key) for key in HOSTILE_KEYS]
    job = first_job_of(images)

    ports.async_engine.prepare(job, [images])

    assert list(ports.async_engine.results(job, None)) == [(sorted(image.image_id for image in images), {})]


@ENGINES
def test_a_manifest_is_read_back(ports: Any, job: Job) -> None:
    engine_of(ports, job).prepare(job, shards_of(job))

    assert list(engine_of(ports, job).results(job, None)) == [(ids, {}) for ids in requested_ids(job)]


@ENGINES
def test_a_job_that_was_never_prepared_asks_about_nothing(ports: Any, job: Job) -> None:
    assert list(engine_of(ports, job).results(job, None)) == [([], {})] * job.shards


@pytest.mark.parametrize(
    ("job", "keys"),
    [(JOB, {"output_location", "failure_location"}), (BATCH, {"output_location"}), (INVOCATION, {"output_location"})],
    ids=["async", "batch", "lambda"],
)
def test_an_accepted_job_has_a_receipt(ports: Any, job: Job, keys: set[str]) -> None:
    engine_of(ports, job).prepare(job, shards_of(job))

    receipt = engine_of(ports, job).submit(job)

    assert set(receipt) == keys
    assert all(location.startswith("s3://") for location in receipt.values())


@ENGINES
def test_a_rejected_job_has_no_receipt(ports: Any, job: Job) -> None:
    engine_of(ports, job).prepare(job, shards_of(job))
    (engine_of(ports, job) if isinstance(ports, Fakes) else ports.sagemaker).down = True

    with pytest.raises(EngineUnavailableError) as raised:
        engine_of(ports, job).submit(job)

    assert not isinstance(raised.value, QuotaExceededError)


def test_a_used_up_quota_has_its_own_name(ports: Any) -> None:
    ports.batch_engine.prepare(BATCH, shards_of(BATCH))
    (ports.batch_engine if isinstance(ports, Fakes) else ports.sagemaker).full = True

    with pytest.raises(QuotaExceededError, match="waits"):
        ports.batch_engine.submit(BATCH)


def test_only_transform_jobs_can_be_polled(ports: Any) -> None:
    assert not ports.async_engine.supports_polling
    assert not ports.lambda_engine.supports_polling
    assert ports.batch_engine.supports_polling


@ENGINES
def test_a_running_job_has_no_result(ports: Any, job: Job) -> None:
    assert engine_of(ports, job).poll(sent(ports, job)) is None


@ENGINES
def test_a_finished_job_has_an_output_location(ports: Any, job: Job) -> None:
    asked = sent(ports, job)
    answer(ports, asked, list(range(job.shards)))

    attempt = 0 if job.engine is EngineName.BATCH else None
    assert polled(ports, asked) == JobResult(job.job_id, asked.output_location, "", attempt)
    assert list(engine_of(ports, job).results(asked, asked.output_location)) == [
        (ids, dict.fromkeys(ids, ANSWER)) for ids in requested_ids(job)
    ]


def test_a_failed_request_has_a_reason_and_no_output(ports: Any) -> None:
    asked = sent(ports, JOB)
    answer(ports, asked, [], "The model server died.")

    assert polled(ports, asked) == JobResult(JOB.job_id, None, "The model server died.")


def test_a_failed_transform_job_has_a_reason_and_keeps_its_outputs(ports: Any) -> None:
    asked = sent(ports, BATCH)
    answer(ports, asked, [0], "ClientError: See job logs.")

    assert polled(ports, asked) == JobResult(BATCH.job_id, asked.output_location, "ClientError: See job logs.", 0)
    assert [len(answers) for _, answers in ports.batch_engine.results(asked, asked.output_location)] == [2, 0]


@ENGINES
@pytest.mark.parametrize(
    "location",
    [
        "s3://elsewhere/async/output/x.out",
        "https://jobs/x.out",
        "x.out",
        "s3://",
        "s3:///x",
        "file:///etc/passwd",
        "jobs bucket/orders/reports/x",
    ],
)
def test_an_output_outside_the_jobs_bucket_is_refused(ports: Any, job: Job, location: str) -> None:
    bucket = "s3://jobs" if isinstance(ports, Fakes) else f"s3://{table('JobsBucket')}"

    with pytest.raises(InvalidEventError):
        list(engine_of(ports, job).results(job, location.replace("jobs bucket", bucket)))
