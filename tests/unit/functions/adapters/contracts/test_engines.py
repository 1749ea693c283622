"""What the use cases may rely on: the engines."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from bintally.domain.errors import EngineUnavailableError, InvalidEventError, NoCapacityError
from bintally.domain.image import Image
from bintally.domain.jobs import EngineName, Job, JobResult, JobStatus
from bintally.domain.transforms import name_of

from tests.fakes import World
from tests.unit.functions.adapters.contracts.world import (
    ANSWER,
    BATCH,
    IMAGES,
    JOB,
)
from tests.unit.functions.aws import client, table
from tests.unit.functions.examples import (
    HOSTILE_KEYS,
    photograph,
    prediction,
)
from tests.unit.functions.usecases.runs import first_job_of

ENGINES = pytest.mark.parametrize("job", [JOB, BATCH], ids=["async", "batch"])


def engine_of(world: Any, job: Job) -> Any:
    return world.async_engine if job.engine is EngineName.ASYNC else world.batch_engine


def shards_of(job: Job) -> list[list[Image]]:
    return [IMAGES] if job.engine is EngineName.ASYNC else [IMAGES[:2], IMAGES[2:]]


def asked_in(job: Job) -> list[list[str]]:
    return [sorted(image.image_id for image in images) for images in shards_of(job)]


def sent(world: Any, job: Job) -> Job:
    """A job that its engine took."""
    engine_of(world, job).prepare(job, shards_of(job))
    return replace(job, status=JobStatus.SENT, **engine_of(world, job).submit(job))


def answer(world: Any, job: Job, shards: list[int], failure: str = "") -> None:
    """The engine answers these shards, and fails if there is a `failure`."""
    records = [prediction(image) for number in shards for image in shards_of(job)[number]]
    if isinstance(world, World):
        _answer_by_fake(engine_of(world, job), job, records, failure)
    elif job.engine is EngineName.ASYNC:
        put(job.failure_location, failure) if failure else put(job.output_location, lines(records))
    else:
        for number in shards:
            put(f"{job.output_location}{number:05}.jsonl.out", lines(map(prediction, shards_of(job)[number])))
        ended = {"TransformJobStatus": "Failed", "FailureReason": failure} if failure else {}
        world.sagemaker.transforms[name_of(job)] = ended or {"TransformJobStatus": "Completed"}


def polled(world: Any, job: Job) -> JobResult:
    """What the engine says about the job, whenever it ended."""
    result: JobResult = engine_of(world, job).poll(job)
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


def test_hostile_keys_do_no_harm_to_a_manifest(world: Any) -> None:
    images = [photograph(key) for key in HOSTILE_KEYS]
    job = first_job_of(images)

    world.async_engine.prepare(job, [images])

    assert list(world.async_engine.results(job, None)) == [(sorted(image.image_id for image in images), {})]


@ENGINES
def test_a_manifest_is_read_back(world: Any, job: Job) -> None:
    engine_of(world, job).prepare(job, shards_of(job))

    assert list(engine_of(world, job).results(job, None)) == [(ids, {}) for ids in asked_in(job)]


@ENGINES
def test_a_job_that_was_never_prepared_asks_about_nothing(world: Any, job: Job) -> None:
    assert list(engine_of(world, job).results(job, None)) == [([], {})] * job.shards


@pytest.mark.parametrize(
    ("job", "told"),
    [(JOB, {"output_location", "failure_location"}), (BATCH, {"output_location"})],
    ids=["async", "batch"],
)
def test_a_job_that_is_taken_has_a_receipt(world: Any, job: Job, told: set[str]) -> None:
    engine_of(world, job).prepare(job, shards_of(job))

    receipt = engine_of(world, job).submit(job)

    assert set(receipt) == told
    assert all(location.startswith("s3://") for location in receipt.values())


@ENGINES
def test_a_job_that_is_not_taken_has_none(world: Any, job: Job) -> None:
    engine_of(world, job).prepare(job, shards_of(job))
    (engine_of(world, job) if isinstance(world, World) else world.sagemaker).down = True

    with pytest.raises(EngineUnavailableError) as raised:
        engine_of(world, job).submit(job)

    assert not isinstance(raised.value, NoCapacityError)


def test_a_lack_of_capacity_has_its_own_name(world: Any) -> None:
    world.batch_engine.prepare(BATCH, shards_of(BATCH))
    (world.batch_engine if isinstance(world, World) else world.sagemaker).full = True

    with pytest.raises(NoCapacityError, match=r"^CapacityError"):
        world.batch_engine.submit(BATCH)


def test_of_the_endpoint_nobody_can_ask_how_far_it_is(world: Any) -> None:
    assert not world.async_engine.supports_polling
    assert world.batch_engine.supports_polling


@ENGINES
def test_a_job_at_work_tells_nothing(world: Any, job: Job) -> None:
    assert engine_of(world, job).poll(sent(world, job)) is None


@ENGINES
def test_a_job_that_has_answered_tells_where(world: Any, job: Job) -> None:
    asked = sent(world, job)
    answer(world, asked, list(range(job.shards)))

    attempt = None if job.engine is EngineName.ASYNC else 0
    assert polled(world, asked) == JobResult(job.job_id, asked.output_location, "", attempt)
    assert list(engine_of(world, job).results(asked, asked.output_location)) == [
        (ids, dict.fromkeys(ids, ANSWER)) for ids in asked_in(job)
    ]


def test_a_request_that_failed_tells_why_and_has_no_output(world: Any) -> None:
    asked = sent(world, JOB)
    answer(world, asked, [], "The model server died.")

    assert polled(world, asked) == JobResult(JOB.job_id, None, "The model server died.")


def test_a_transform_job_that_failed_tells_why_and_keeps_what_was_counted(world: Any) -> None:
    asked = sent(world, BATCH)
    answer(world, asked, [0], "ClientError: See job logs.")

    assert polled(world, asked) == JobResult(BATCH.job_id, asked.output_location, "ClientError: See job logs.", 0)
    assert [len(answers) for _, answers in world.batch_engine.results(asked, asked.output_location)] == [2, 0]


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
def test_an_output_outside_the_jobs_bucket_is_refused(world: Any, job: Job, location: str) -> None:
    bucket = "s3://jobs" if isinstance(world, World) else f"s3://{table('JobsBucket')}"

    with pytest.raises(InvalidEventError):
        list(engine_of(world, job).results(job, location.replace("jobs bucket", bucket)))
