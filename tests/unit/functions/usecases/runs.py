"""The use cases on fakes, and ways of running them again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo

from bintally.domain.changes import Changes
from bintally.domain.errors import BintallyError
from bintally.domain.image import Image
from bintally.domain.jobs import EngineName, Job, JobResult, job_of
from bintally.domain.manifest import parse_manifest
from bintally.domain.objects import StoredObject
from bintally.domain.orders import ReceivedFile
from bintally.domain.policy import InferenceMode, Policy
from bintally.usecases.collect import CollectSummary, collect
from bintally.usecases.intake import IngestSummary, ingest
from bintally.usecases.orders import ImportSummary, import_orders
from bintally.usecases.reconcile import ReconcileSummary, reconcile
from bintally.usecases.schedule import ScheduleSummary, run_schedule
from bintally.usecases.submit import SubmitSummary, submit_open

from tests.fakes import CrashError, Fakes
from tests.unit.functions.examples import NOW, RULES, order_file, prediction

MAX_STEPS = 200
POLICY = Policy(
    mode=InferenceMode.ASYNC,
    engines=frozenset(EngineName),
    lambda_threshold=0,
    batch_threshold=10,
    micro_batch=500,
    max_attempts=3,
    sweep_after=timedelta(minutes=3),
    job_timeout=timedelta(hours=7),
    retry_delay=timedelta(minutes=1),
    instance_types=("ml.c6i.xlarge", "ml.m5.xlarge"),
    max_requests=400,
    max_transform_jobs=4,
    max_invocations=400,
)
ONCE = replace(POLICY, max_attempts=1)


def ingested(
    fakes: Fakes, images: Iterable[Image], now: datetime = NOW, micro_batch: int = 500, policy: Policy = ONCE
) -> IngestSummary:
    policy = replace(policy, micro_batch=micro_batch)
    return ingest(fakes, images, policy=policy, now=now)


def submitted(fakes: Fakes, now: datetime = NOW) -> SubmitSummary:
    return submit_open(fakes, policy=ONCE, now=now)


def collected(fakes: Fakes, result: JobResult, policy: Policy = ONCE, now: datetime = NOW) -> CollectSummary:
    return collect(fakes, result, policy=policy, now=now)


def scheduled(
    fakes: Fakes, now: datetime, policy: Policy = POLICY, time_left: Callable[[], float] = lambda: math.inf
) -> ScheduleSummary:
    return run_schedule(fakes, policy=policy, now=now, time_left=time_left)


def imported(
    fakes: Fakes,
    text: str,
    source: StoredObject | None = None,
    *,
    zone: tzinfo = UTC,
    adds: bool = False,
    time_left: Callable[[], float] = lambda: math.inf,
) -> ImportSummary:
    source, file = source or order_file(), ReceivedFile(text.encode(), adds)
    return import_orders(fakes, file, source=source, now=NOW, zone=zone, time_left=time_left)


def reconciled(fakes: Fakes, changes: Changes, now: datetime = NOW) -> ReconcileSummary:
    """Reconcile `changes`, and then the changes of verdicts in the stream of the lines."""
    done = _reconciled(fakes, changes, now)
    while judged := list(fakes.orders.judged):
        _reconciled(fakes, Changes(judged=judged), now)
        del fakes.orders.judged[: len(judged)]
    return done


def _reconciled(fakes: Fakes, changes: Changes, now: datetime) -> ReconcileSummary:
    return reconcile(fakes, changes, rules=RULES, now=now)


def clock_ran(fakes: Fakes, now: datetime) -> ReconcileSummary:
    """The scheduled run of reconcile."""
    return reconciled(fakes, Changes(overdue=True), now)


def ingested_job(fakes: Fakes, images: Sequence[Image]) -> Job:
    """Ingest images; their one job."""
    (job_id,) = ingested(fakes, images).submission.sent
    return fakes.jobs.items[job_id].job


def first_job_of(images: Iterable[Image]) -> Job:
    """The job of the first attempt of these images."""
    return job_of((image.image_id, 0) for image in images)


def requested_ids(fakes: Fakes, job: Job) -> list[str]:
    """The image ids in the job's manifests."""
    manifests = fakes.engine(job.engine).manifests
    return [image_id for key in job.manifests for image_id in parse_manifest(manifests[key])]


def answered(fakes: Fakes, job: Job, records: Iterable[dict[str, object]]) -> JobResult:
    """The engine finishes; the result that its notification has."""
    return JobResult(job.job_id, fakes.engine(job.engine).answer(job, records))


def count_images(fakes: Fakes, images: Sequence[Image], count: int = 3) -> None:
    """Ingest and count images, up to the bins."""
    job = ingested_job(fakes, images)
    collected(fakes, answered(fakes, job, [prediction(image, count) for image in images]))


class Notifications:
    """The engine's notifications of its jobs, each image counted as 3. A rejected one comes again."""

    def __init__(self, images: Sequence[Image]) -> None:
        self._images = {image.image_id: image for image in images}
        self._acknowledged: set[str] = set()

    def deliver(self, fakes: Fakes) -> None:
        for job_id in sorted(set(fakes.async_engine.asked) - self._acknowledged):
            job = fakes.jobs.items[job_id].job
            asked = [
                self._images[image_id] for image_id in parse_manifest(fakes.async_engine.manifests[job.manifests[0]])
            ]
            with suppress(BintallyError):
                collected(fakes, answered(fakes, job, map(prediction, asked)))
                self._acknowledged.add(job_id)


def after_each_crash(prepare: Callable[[], Fakes], run: Callable[[Fakes], object]) -> list[Fakes]:
    """For every boundary between two steps of `run`: fakes on which `run` crashed there and was then run again."""
    all_fakes = []
    for number in range(1, MAX_STEPS):
        fakes = prepare()
        fakes.steps.crash_before(number)
        crashed = True
        with suppress(CrashError):
            run(fakes)
            crashed = False
        if not crashed:
            assert number > 2, "hardly a step was taken: this proves nothing"
            return all_fakes
        run(fakes)
        all_fakes.append(fakes)
    raise AssertionError(f"the run takes more than {MAX_STEPS} steps")


def with_each_interruption(
    prepare: Callable[[], Fakes], run: Callable[[Fakes], object], other: Callable[[Fakes], object]
) -> list[Fakes]:
    """For every boundary between two steps of `run`: fakes on which `other` ran there from end to end."""
    all_fakes = []
    for number in range(1, MAX_STEPS):
        fakes = prepare()
        interrupted: list[bool] = []

        def interrupt(fakes: Fakes = fakes, interrupted: list[bool] = interrupted) -> None:
            interrupted.append(True)
            other(fakes)

        fakes.steps.before(number, interrupt)
        run(fakes)
        if not interrupted:
            assert number > 2, "hardly a step was taken: this proves nothing"
            return all_fakes
        all_fakes.append(fakes)
    raise AssertionError(f"the run takes more than {MAX_STEPS} steps")


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)
