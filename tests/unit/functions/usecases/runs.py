"""The use cases on a world of fakes, and ways of running them again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo

from bintally.domain.changes import Changes
from bintally.domain.errors import BintallyError
from bintally.domain.image import Image
from bintally.domain.jobs import Job, JobResult, job_of
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

from tests.fakes import CrashError, World
from tests.unit.functions.examples import NOW, THRESHOLDS, order_file, prediction

MOST_STEPS = 200
POLICY = Policy(
    mode=InferenceMode.ASYNC,
    batch_threshold=10,
    micro_batch=500,
    max_attempts=3,
    sweep_after=timedelta(minutes=3),
    job_timeout=timedelta(hours=7),
    retry_delay=timedelta(minutes=1),
    instance_types=("ml.c6i.xlarge", "ml.m5.xlarge"),
)
ONCE = replace(POLICY, max_attempts=1)


def taken_in(
    world: World, images: Iterable[Image], now: datetime = NOW, micro_batch: int = 500, policy: Policy = ONCE
) -> IngestSummary:
    policy = replace(policy, micro_batch=micro_batch)
    return ingest(world, images, policy=policy, now=now)


def submitted(world: World, now: datetime = NOW) -> SubmitSummary:
    return submit_open(world, policy=ONCE, now=now)


def collected(world: World, result: JobResult, policy: Policy = ONCE, now: datetime = NOW) -> CollectSummary:
    return collect(world, result, policy=policy, now=now)


def made_round(
    world: World, now: datetime, policy: Policy = POLICY, time_left: Callable[[], float] = lambda: math.inf
) -> ScheduleSummary:
    return run_schedule(world, policy=policy, now=now, time_left=time_left)


def imported(
    world: World,
    text: str,
    source: StoredObject | None = None,
    *,
    zone: tzinfo = UTC,
    adds: bool = False,
    time_left: Callable[[], float] = lambda: math.inf,
) -> ImportSummary:
    source, file = source or order_file(), ReceivedFile(text.encode(), adds)
    return import_orders(world, file, source=source, now=NOW, zone=zone, time_left=time_left)


def reconciled(world: World, changes: Changes, now: datetime = NOW) -> ReconcileSummary:
    """What `changes` set going, and then what the lines' stream tells of the verdicts that were written."""
    done = _reconciled(world, changes, now)
    while judged := list(world.orders.judged):
        _reconciled(world, Changes(judged=judged), now)
        del world.orders.judged[: len(judged)]
    return done


def _reconciled(world: World, changes: Changes, now: datetime) -> ReconcileSummary:
    return reconcile(world, changes, thresholds=THRESHOLDS, now=now)


def clock_looked(world: World, now: datetime) -> ReconcileSummary:
    """The schedule of reconcile."""
    return reconciled(world, Changes(overdue=True), now)


def job_in(world: World, images: Sequence[Image]) -> Job:
    """Take photographs in; their one job."""
    (job_id,) = taken_in(world, images).submission.sent
    return world.jobs.items[job_id].job


def first_job_of(images: Iterable[Image]) -> Job:
    """The job that first asks about these photographs."""
    return job_of((image.image_id, 0) for image in images)


def asked_in(world: World, job: Job) -> list[str]:
    """The image ids in the job's manifests."""
    manifests = world.engine(job.engine).manifests
    return [image_id for key in job.manifests for image_id in parse_manifest(manifests[key])]


def answered(world: World, job: Job, records: Iterable[dict[str, object]]) -> JobResult:
    """The engine answers; what its notification says."""
    return JobResult(job.job_id, world.engine(job.engine).answer(job, records))


def counted_in(world: World, images: Sequence[Image], count: int = 3) -> None:
    """Photographs all the way into the bins."""
    job = job_in(world, images)
    collected(world, answered(world, job, [prediction(image, count) for image in images]))


class Notifications:
    """The engine's notifications of the jobs that it took, each counted as 3. One that is refused comes again."""

    def __init__(self, images: Sequence[Image]) -> None:
        self._images = {image.image_id: image for image in images}
        self._acknowledged: set[str] = set()

    def deliver(self, world: World) -> None:
        for job_id in sorted(set(world.async_engine.asked) - self._acknowledged):
            job = world.jobs.items[job_id].job
            asked = [
                self._images[image_id] for image_id in parse_manifest(world.async_engine.manifests[job.manifests[0]])
            ]
            with suppress(BintallyError):
                collected(world, answered(world, job, map(prediction, asked)))
                self._acknowledged.add(job_id)


def after_each_crash(prepare: Callable[[], World], run: Callable[[World], object]) -> list[World]:
    """For every boundary between two steps of `run`: a world in which `run` crashed there and was then run again."""
    worlds = []
    for number in range(1, MOST_STEPS):
        world = prepare()
        world.steps.crash_before(number)
        crashed = True
        with suppress(CrashError):
            run(world)
            crashed = False
        if not crashed:
            assert number > 2, "hardly a step was taken: this proves nothing"
            return worlds
        run(world)
        worlds.append(world)
    raise AssertionError(f"the run takes more than {MOST_STEPS} steps")


def with_each_interruption(
    prepare: Callable[[], World], run: Callable[[World], object], other: Callable[[World], object]
) -> list[World]:
    """For every boundary between two steps of `run`: a world in which `other` ran there from end to end."""
    worlds = []
    for number in range(1, MOST_STEPS):
        world = prepare()
        interrupted: list[bool] = []

        def interrupt(world: World = world, interrupted: list[bool] = interrupted) -> None:
            interrupted.append(True)
            other(world)

        world.steps.before(number, interrupt)
        run(world)
        if not interrupted:
            assert number > 2, "hardly a step was taken: this proves nothing"
            return worlds
        worlds.append(world)
    raise AssertionError(f"the run takes more than {MOST_STEPS} steps")


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)
