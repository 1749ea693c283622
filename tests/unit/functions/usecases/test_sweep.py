from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest
from bintally.domain.image import Image, Status
from bintally.domain.jobs import EngineName, Job, JobResult, JobStatus
from bintally.domain.policy import InferenceMode

from tests.fakes import CrashError, FakeEngine, World
from tests.unit.functions.examples import NOW, photographs, prediction
from tests.unit.functions.usecases.runs import (
    POLICY,
    after_each_crash,
    answered,
    collected,
    first_job_of,
    job_in,
    later,
    made_round,
    taken_in,
    with_each_interruption,
)

IMAGES = photographs(3)
BATCH = replace(POLICY, mode=InferenceMode.BATCH, micro_batch=2)


def silent_world() -> World:
    """The engine has answered, and nobody heard of it."""
    world = World()
    answered(world, job_in(world, IMAGES), map(prediction, IMAGES))
    return world


def pending_world() -> World:
    world = World()
    taken_in(world, IMAGES, policy=BATCH, micro_batch=2)
    return world


def everything_counted(world: World) -> bool:
    return set(world.statuses().values()) == {Status.COUNTED} and len(world.bins.items) == len(IMAGES)


def test_an_answer_that_nobody_announced_is_found() -> None:
    world = silent_world()

    assert made_round(world, later(2)).swept.answered == ()
    assert made_round(world, later(4)).swept.answered == tuple(world.jobs.items)

    assert everything_counted(world)


def test_a_failure_that_nobody_announced_is_found() -> None:
    world = World()
    job = job_in(world, IMAGES)
    world.async_engine.failures[job.job_id] = "ModelError: no memory"

    made_round(world, later(4))

    assert {held.reason for held in world.ledger.items.values()} == {"ModelError: no memory"}
    assert set(world.statuses().values()) == {Status.RECEIVED}


def test_a_request_that_expired_is_given_up_and_sent_again() -> None:
    world = World()
    job = job_in(world, IMAGES)

    assert made_round(world, later(6 * 60)).swept.timed_out == ()
    assert made_round(world, later(7 * 60 + 1)).swept.timed_out == (job.job_id,)
    (again,) = made_round(world, later(7 * 60 + 3)).submission.sent

    assert again != job.job_id
    assert "7:00:00" in world.jobs.items[job.job_id].job.reason


def test_a_transform_job_at_work_is_never_given_up() -> None:
    world = pending_world()
    made_round(world, NOW, BATCH)

    assert made_round(world, later(100 * 60), BATCH).swept.timed_out == ()
    assert made_round(world, later(100 * 60), BATCH).unaccounted == 0


def test_those_first_that_were_looked_into_longest_ago() -> None:
    world = World()
    taken_in(world, photographs(60), micro_batch=1)
    jobs = [world.jobs.items[each].job for each in world.async_engine.asked]
    for job in jobs:
        (image,) = (held.image for held in world.ledger.items.values() if held.job_id == job.job_id)
        answered(world, job, [prediction(image)])

    found = [len(made_round(world, later(minutes)).swept.answered) for minutes in (4, 5, 6)]

    assert found == [50, 10, 0]


def test_a_job_that_a_crash_left_unopened_is_opened() -> None:
    world = World()
    world.steps.crash_before(5)  # the ledger names the job, which is still PREPARED
    with suppress(CrashError):
        taken_in(world, IMAGES)
    (held,) = world.jobs.items.values()
    assert (held.status, len(world.ledger.items)) == (JobStatus.PREPARED, 3)

    done = made_round(world, later(4))

    assert done.swept.opened == done.submission.sent == tuple(world.jobs.items)


def test_a_job_that_no_photograph_names_is_abandoned_and_may_be_prepared_again() -> None:
    world = World()
    world.steps.crash_before(4)  # the job is PREPARED, the ledger knows nothing
    with suppress(CrashError):
        taken_in(world, IMAGES)

    (abandoned,) = made_round(world, later(4)).swept.abandoned

    assert taken_in(world, IMAGES, now=later(7)).submission.sent == (abandoned,)


def test_one_job_that_cannot_be_looked_into_does_not_keep_others_from_it() -> None:
    world = World()
    taken_in(world, IMAGES, micro_batch=1)
    jobs = [world.jobs.items[each].job for each in world.async_engine.asked]
    for job in jobs:
        (image,) = (held.image for held in world.ledger.items.values() if held.job_id == job.job_id)
        answered(world, job, [prediction(image)])
    world.async_engine.elsewhere = {jobs[0].job_id}

    swept = made_round(world, later(4)).swept

    assert [job_id for job_id, _ in swept.errors] == [jobs[0].job_id]
    assert len(swept.answered) == 2


class RoundedError(ArithmeticError):
    """As `decimal` raises it: none of our own errors."""


@dataclass
class BreakingEngine(FakeEngine):
    """Can't bear one of its jobs."""

    unbearable: str = ""

    def _bear(self, job: Job) -> None:
        if job.job_id == self.unbearable:
            raise RoundedError("more than 38 digits")

    def poll(self, job: Job) -> JobResult | None:
        self._bear(job)
        return super().poll(job)

    def submit(self, job: Job) -> Mapping[str, str]:
        self._bear(job)
        return super().submit(job)

    def prepare(self, job: Job, shards: Sequence[Sequence[Image]]) -> None:
        self._bear(job)
        super().prepare(job, shards)


def three_of_each() -> tuple[World, BreakingEngine]:
    """Three jobs that have answered unheard, three that are OPEN, and three photographs that are pending."""
    world = World()
    world.async_engine = engine = BreakingEngine(world.steps)
    taken_in(world, IMAGES, micro_batch=1)
    for job_id in engine.asked:
        (image,) = (held.image for held in world.ledger.items.values() if held.job_id == job_id)
        answered(world, world.jobs.items[job_id].job, [prediction(image)])
    engine.down = True
    taken_in(world, photographs(6)[3:], micro_batch=1)
    engine.down = False
    taken_in(world, photographs(9)[6:], policy=BATCH)
    return world, engine


def in_status(world: World, status: JobStatus) -> str:
    return next(job_id for job_id, held in world.jobs.items.items() if held.status is status)


@pytest.mark.parametrize(
    ("unbearable", "answered", "sent"),
    [
        (lambda world: in_status(world, JobStatus.SENT), 2, 6),
        (lambda world: in_status(world, JobStatus.OPEN), 3, 5),
        (lambda world: first_job_of(photographs(7)[6:]).job_id, 3, 5),
    ],
    ids=["that is looked into", "that is sent", "that is formed"],
)
def test_a_job_never_stops_a_round_whatever_it_raises(
    unbearable: Callable[[World], str], answered: int, sent: int
) -> None:
    world, engine = three_of_each()
    engine.unbearable = unbearable(world)

    done = made_round(world, later(4), replace(POLICY, micro_batch=1))

    assert (len(done.swept.answered), len(done.submission.sent)) == (answered, sent)
    told = dict(done.swept.errors) | dict(done.submission.waiting)
    assert list(told) == [engine.unbearable]
    assert told[engine.unbearable].startswith("RoundedError: more than 38 digits (test_sweep.py, line ")
    engine.unbearable = ""
    made_round(world, later(8), replace(POLICY, micro_batch=1))
    assert set(world.statuses().values()) <= {Status.COUNTED, Status.SUBMITTED}
    assert len(engine.asked) == 9


def test_a_job_that_kills_the_function_is_not_the_first_of_the_next_round() -> None:
    world, _ = three_of_each()
    world.steps.crash_before(14)  # the OPEN jobs are sent, those that were SENT are known, the first is touched
    with suppress(CrashError):
        made_round(world, later(4))

    swept = made_round(world, later(4.1)).swept

    assert len(swept.answered) == 2


def test_a_transform_job_that_can_never_be_looked_into_is_not_accounted_for() -> None:
    world = pending_world()
    (job_id,) = made_round(world, NOW, BATCH).submission.sent
    world.batch_engine.elsewhere = {job_id}

    assert made_round(world, later(60 * 8), BATCH).unaccounted == 3


# ---- Pending photographs


def test_in_batch_mode_photographs_wait_for_the_schedule() -> None:
    world = pending_world()
    assert set(world.statuses().values()) == {Status.RECEIVED}
    assert world.jobs.items == {}

    (job_id,) = made_round(world, NOW, BATCH).submission.sent

    job = world.jobs.items[job_id].job
    assert (job.engine, job.images, job.shards) == (EngineName.BATCH, 3, 2)
    collected(world, answered(world, job, map(prediction, IMAGES)), BATCH)
    assert everything_counted(world)


def test_auto_sends_few_at_once_and_leaves_many_to_a_transform_job() -> None:
    auto = replace(POLICY, mode=InferenceMode.AUTO, batch_threshold=10)
    few, many = World(), World()
    taken_in(few, IMAGES, policy=auto, micro_batch=4)
    taken_in(many, photographs(12), policy=auto, micro_batch=4)

    assert set(few.statuses().values()) == {Status.SUBMITTED}
    assert set(many.statuses().values()) == {Status.RECEIVED}
    (job_id,) = made_round(many, NOW, replace(auto, micro_batch=4)).submission.sent
    assert many.jobs.items[job_id].job.engine is EngineName.BATCH


def test_a_transform_job_that_failed_keeps_the_manifests_that_were_counted() -> None:
    world = pending_world()
    (job_id,) = made_round(world, NOW, BATCH).submission.sent
    job = world.jobs.items[job_id].job
    answered(world, job, map(prediction, IMAGES))
    del world.batch_engine.outputs[job.manifests[1]]

    collected(world, world.batch_engine.result(job, "ClientError: a file failed"), BATCH)

    statuses = list(world.statuses().values())
    assert (statuses.count(Status.COUNTED), statuses.count(Status.RECEIVED)) == (2, 1)
    (again,) = made_round(world, later(2), BATCH).submission.sent
    assert world.jobs.items[again].job.images == 1


def test_a_transform_job_without_capacity_is_asked_for_again_on_the_next_type() -> None:
    world = pending_world()
    (job_id,) = made_round(world, NOW, BATCH).submission.sent
    told = "CapacityError: Unable to provision requested ML compute capacity."
    for number in range(1, 6):
        job = world.jobs.items[job_id].job
        stale = world.batch_engine.result(job, told)
        collected(world, stale, BATCH, later(60 * number))
        collected(world, stale, BATCH, later(60 * number))  # several events for one change
        assert world.jobs.items[job_id].job.transform_attempt == number
        assert made_round(world, later(60 * number + 59), BATCH).submission.sent == (job_id,)
    assert set(world.statuses().values()) == {Status.SUBMITTED}

    collected(world, world.batch_engine.result(world.jobs.items[job_id].job, told), BATCH, later(400))

    assert world.jobs.items[job_id].status is JobStatus.FAILED
    assert set(world.statuses().values()) == {Status.RECEIVED}


def test_an_engine_that_is_full_at_once_makes_the_job_wait_longer_each_time() -> None:
    world = pending_world()
    world.batch_engine.full = True
    assert made_round(world, NOW, BATCH).submission.sent == ()
    (held,) = world.jobs.items.values()
    assert (held.status, held.job.transform_attempt) == (JobStatus.OPEN, 1)

    world.batch_engine.full = False
    assert made_round(world, NOW, BATCH).submission.sent == ()
    assert made_round(world, later(2), BATCH).submission.sent == (held.job.job_id,)


def test_the_last_attempt_asks_about_each_photograph_alone() -> None:
    world = World()
    job_ids: tuple[str, ...] = (job_in(world, photographs(30)).job_id,)
    sizes = []
    for attempt in range(3):
        sizes.append(sorted(world.jobs.items[job_id].job.images for job_id in job_ids))
        for job_id in job_ids:
            job = world.jobs.items[job_id].job
            collected(world, world.async_engine.result(job, "died"), POLICY, later(60 * attempt))
        job_ids = made_round(world, later(60 * attempt + 59)).submission.sent

    assert sizes == [[30], [8, 22], [1] * 30]
    assert set(world.statuses().values()) == {Status.FAILED}


# ---- Crashes and runs beside one another


def test_a_crash_at_any_call_of_a_round_is_mended_by_later_rounds() -> None:
    for prepare in (silent_world, pending_world):
        for world in after_each_crash(prepare, lambda world: made_round(world, later(5 + world.steps.taken), BATCH)):
            for hours in range(1, 4):
                made_round(world, later(60 * hours), BATCH)
                for engine in world.engines:
                    for job in [world.jobs.items[job_id].job for job_id in engine.asked]:
                        collected(world, answered(world, job, map(prediction, IMAGES)), BATCH)
            assert everything_counted(world), world.statuses()
            assert {count.revision for count in world.bins.items.values()} == {1}


def test_two_rounds_at_once_assign_each_photograph_once() -> None:
    for world in with_each_interruption(
        pending_world, lambda world: made_round(world, NOW, BATCH), lambda world: made_round(world, NOW, BATCH)
    ):
        made_round(world, later(10), BATCH)
        assert len(world.batch_engine.asked) == 1
        assert {held.attempts for held in world.ledger.items.values()} == {1}


def test_a_delivery_that_comes_again_leaves_a_transform_job_to_the_schedule() -> None:
    world = pending_world()
    world.batch_engine.down = True
    made_round(world, NOW, BATCH)
    world.batch_engine.down = False

    assert taken_in(world, IMAGES, later(4), policy=BATCH).submission.sent == ()

    assert (
        made_round(world, later(4), BATCH).submission.sent == tuple(world.batch_engine.asked) == tuple(world.jobs.items)
    )


def test_an_answer_of_an_earlier_try_is_an_answer_too() -> None:
    world = pending_world()
    (job_id,) = made_round(world, NOW, BATCH).submission.sent
    first = world.jobs.items[job_id].job
    collected(world, world.batch_engine.result(first, "CapacityError: None left."), BATCH)
    answered(world, first, map(prediction, IMAGES))

    collected(world, world.batch_engine.result(first), BATCH, later(1))

    assert everything_counted(world)
    assert world.jobs.items[job_id].status is JobStatus.DONE


@pytest.mark.parametrize("elsewhere", [False, True])
def test_those_that_tell_nothing_let_others_go_first_the_next_time(elsewhere: bool) -> None:
    """Whether they are at work or can't be looked into."""
    world = World()
    taken_in(world, photographs(60), micro_batch=1)
    world.async_engine.elsewhere = set(world.async_engine.asked) if elsewhere else set()
    assert made_round(world, later(4)).swept.answered == ()

    world.async_engine.elsewhere = set()
    for held in list(world.jobs.items.values()):
        (image,) = (entry.image for entry in world.ledger.items.values() if entry.job_id == held.job.job_id)
        answered(world, held.job, [prediction(image)])

    assert [len(made_round(world, later(minutes)).swept.answered) for minutes in (5, 8)] == [10, 50]


def test_a_job_whose_photographs_went_into_others_is_not_sent() -> None:
    one_each = replace(POLICY, micro_batch=1)

    for world in with_each_interruption(
        pending_world, lambda world: made_round(world, NOW), lambda world: made_round(world, NOW, one_each)
    ):
        assert set(world.async_engine.asked) == {held.job_id for held in world.ledger.items.values()}
