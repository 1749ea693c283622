from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from bintally.domain.jobs import JobStatus

from tests.fakes import CrashError, World
from tests.unit.functions.examples import NOW, photographs, prediction
from tests.unit.functions.usecases.runs import (
    POLICY,
    after_each_crash,
    answered,
    collected,
    job_in,
    later,
    submitted,
    taken_in,
    with_each_interruption,
)

IMAGES = photographs(3)


def world_with_a_waiting_job() -> World:
    world = World()
    world.async_engine.down = True
    taken_in(world, IMAGES)
    world.async_engine.down = False
    return world


def test_an_engine_that_is_down_makes_a_job_wait_and_says_why() -> None:
    world = World()
    world.async_engine.down = True

    submission = taken_in(world, IMAGES).submission

    (job_id,) = world.jobs.items
    assert submission.sent == ()
    assert submission.waiting == ((job_id, f"{job_id}: no endpoint"),)
    assert world.jobs.items[job_id].status is JobStatus.OPEN


def test_the_schedule_sends_what_waits() -> None:
    world = world_with_a_waiting_job()

    submission = submitted(world, later(5))

    assert submission.sent == tuple(world.jobs.items) == tuple(world.async_engine.asked)
    assert submission.waiting == ()
    assert submitted(world, later(10)).sent == ()


def test_what_waits_goes_on_waiting_while_the_engine_is_down() -> None:
    world = world_with_a_waiting_job()
    world.async_engine.down = True

    for minutes in (5, 10, 15):
        assert len(submitted(world, later(minutes)).waiting) == 1

    world.async_engine.down = False
    assert len(submitted(world, later(20)).sent) == 1


def test_one_job_that_is_refused_does_not_hold_up_the_others() -> None:
    world = World()
    world.async_engine.down = True
    taken_in(world, IMAGES, micro_batch=1)
    world.async_engine.down = False
    refused, *others = world.jobs.items
    world.async_engine.refuses = {refused}

    submission = submitted(world, later(5))

    assert sorted(submission.sent) == sorted(others)
    assert [job_id for job_id, _ in submission.waiting] == [refused]


def test_nobody_sends_a_job_that_somebody_is_sending() -> None:
    for world in with_each_interruption(
        world_with_a_waiting_job, lambda world: submitted(world, later(5)), lambda world: submitted(world, later(5))
    ):
        assert len(world.async_engine.asked) == 1


def test_a_claim_outlives_its_holder_by_a_lease_only() -> None:
    world = World()
    world.steps.crash_before(8)  # the job is claimed and not sent
    with suppress(CrashError):
        taken_in(world, IMAGES)

    assert submitted(world, NOW + POLICY.sweep_after - timedelta(seconds=1)).sent == ()
    assert len(submitted(world, NOW + POLICY.sweep_after + timedelta(seconds=1)).sent) == 1


def test_a_crash_at_any_call_sends_the_job_in_the_end() -> None:
    worlds = after_each_crash(
        world_with_a_waiting_job, lambda world: submitted(world, later(5 * (1 + world.steps.taken)))
    )

    for world in worlds:
        (held,) = world.jobs.items.values()
        assert held.status is JobStatus.SENT
        assert set(world.async_engine.asked) == {held.job.job_id}


def test_answered_jobs_are_not_sent_again() -> None:
    world = World()
    job = job_in(world, IMAGES)
    collected(world, answered(world, job, map(prediction, IMAGES)))

    assert submitted(world, later(60)).sent == ()
    assert world.async_engine.asked == [job.job_id]


def test_an_answer_that_comes_before_the_receipt_is_noted_is_not_undone() -> None:
    """The engine may be quicker than the function that asked it."""
    world = World()
    world.async_engine.down = True
    taken_in(world, IMAGES)
    world.async_engine.down = False
    (held,) = world.jobs.items.values()

    def quick(world: World) -> None:
        if world.async_engine.asked:
            collected(world, answered(world, held.job, map(prediction, IMAGES)))

    for each in with_each_interruption(world_with_a_waiting_job, lambda w: submitted(w, later(5)), quick):
        (after,) = each.jobs.items.values()
        assert after.status in (JobStatus.SENT, JobStatus.DONE)
        assert submitted(each, later(60)).sent == ()


def test_a_job_without_capacity_is_not_sent_before_it_is_due_by_a_delivery_that_comes_again() -> None:
    world = World()
    world.async_engine.full = True
    taken_in(world, IMAGES)
    world.async_engine.full = False

    assert taken_in(world, IMAGES).submission.sent == ()
    assert (
        taken_in(world, IMAGES, later(2)).submission.sent == tuple(world.async_engine.asked) == tuple(world.jobs.items)
    )
