from __future__ import annotations

from contextlib import suppress

import pytest
from bintally.domain.image import Image, Status
from bintally.domain.jobs import JobResult, JobStatus
from bintally.domain.manifest import parse_manifest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import CrashError, World
from tests.unit.functions.examples import HOSTILE_KEYS, photograph, photographs, prediction
from tests.unit.functions.usecases.runs import (
    Notifications,
    after_each_crash,
    answered,
    asked_in,
    collected,
    first_job_of,
    job_in,
    later,
    submitted,
    taken_in,
    with_each_interruption,
)

IMAGES = photographs(3)
JOB = first_job_of(IMAGES)


def settle_everything(world: World) -> None:
    """What the schedule, the engine and the notifications do when nothing more goes wrong."""
    submitted(world, later(30))
    Notifications(IMAGES).deliver(world)


def test_photographs_are_entered_and_sent_as_one_job() -> None:
    world = World()

    intake = taken_in(world, IMAGES)

    assert (intake.registered, intake.repeated) == (3, 0)
    assert intake.submission.sent == (JOB.job_id,)
    assert {held.job_id for held in world.ledger.items.values()} == {JOB.job_id}
    assert {held.status for held in world.ledger.items.values()} == {Status.SUBMITTED}
    assert world.jobs.items[JOB.job_id].status is JobStatus.SENT
    assert world.jobs.items[JOB.job_id].job.output_location
    assert asked_in(world, JOB) == sorted(image.image_id for image in IMAGES)


def test_a_large_delivery_is_cut_into_micro_batches() -> None:
    world = World()

    intake = taken_in(world, photographs(25), micro_batch=10)

    assert [world.jobs.items[job_id].job.images for job_id in sorted(intake.submission.sent)] != []
    assert sorted(held.job.images for held in world.jobs.items.values()) == [5, 10, 10]
    assert len(world.ledger.items) == 25


def test_fifty_deliveries_are_as_good_as_one() -> None:
    world = World()
    taken_in(world, IMAGES)
    once = world.state()

    for repetition in range(50):
        intake = taken_in(world, IMAGES * 2, now=later(repetition))
        assert (intake.registered, intake.repeated) == (0, 3)

    assert world.state() == once
    assert world.async_engine.asked == [JOB.job_id]


def test_a_delivery_with_repetitions_in_it_enters_each_photograph_once() -> None:
    world = World()

    assert taken_in(world, [*IMAGES, *reversed(IMAGES)]).registered == 3


def test_a_repeated_photograph_does_not_keep_new_ones_out() -> None:
    world = World()
    taken_in(world, IMAGES[:1])

    intake = taken_in(world, IMAGES)

    assert (intake.registered, intake.repeated) == (2, 1)
    assert world.async_engine.asked == [first_job_of(IMAGES[:1]).job_id, first_job_of(IMAGES[1:]).job_id]


def test_nothing_delivered_is_nothing_done() -> None:
    world = World()

    intake = taken_in(world, [])

    assert (intake.registered, intake.submission.sent) == (0, ())
    assert world.state() == World().state()


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_hostile_key_is_taken_as_it_is(key: str) -> None:
    world = World()

    job = job_in(world, [photograph(key)])

    (held,) = world.ledger.items.values()
    assert held.image.key == key
    assert asked_in(world, job) == [held.image.image_id]


def test_a_folder_is_refused_without_asking_the_model() -> None:
    world = World()

    intake = taken_in(world, [photograph("P-17-C/")])

    (held,) = world.ledger.items.values()
    assert (held.status, held.job_id) == (Status.REJECTED, None)
    assert held.reason == "A folder, not a photo."
    assert intake.registered == 1
    assert world.jobs.items == {}
    assert taken_in(world, [photograph("P-17-C/")]).repeated == 1


def test_what_was_counted_is_not_sent_again() -> None:
    world = World()
    job = job_in(world, IMAGES)
    collected(world, answered(world, job, map(prediction, IMAGES)))
    counted = world.state()

    taken_in(world, IMAGES, now=later(60))

    assert world.state() == counted
    assert world.async_engine.asked == [job.job_id]


# ---- Crashes


def test_a_crash_at_any_call_leaves_nothing_that_a_second_run_does_not_mend() -> None:
    calm = World()
    taken_in(calm, IMAGES)
    worlds = after_each_crash(World, lambda world: taken_in(world, IMAGES))

    for world in worlds:
        submitted(world, later(30))
        assert world.state()["ledger"] == calm.state()["ledger"]
        assert {job_id: held.status for job_id, held in world.jobs.items.items()} == {JOB.job_id: JobStatus.SENT}


def test_the_next_delivery_sends_the_job_that_a_crash_left_open() -> None:
    world = World()
    world.steps.crash_before(5)  # manifest, job and ledger are written, and nothing is sent
    with suppress(CrashError):
        taken_in(world, IMAGES)

    assert taken_in(world, IMAGES, now=later(6)).submission.sent == (JOB.job_id,)


def test_a_crash_between_two_photographs_loses_none() -> None:
    """A hundred go to a transaction, so that a crash can come between two parts of one job."""
    worlds = after_each_crash(lambda: World(together=1), lambda world: taken_in(world, IMAGES))

    for world in worlds:
        settle_everything(world)
        assert {held.status for held in world.ledger.items.values()} == {Status.COUNTED}
        assert len(world.ledger.items) == len(world.bins.items) == len(IMAGES)
        assert {held.status for held in world.jobs.items.values()} <= {JobStatus.DONE}


def test_a_job_that_was_answered_before_its_photographs_were_entered_is_not_the_end_of_them() -> None:
    """The function dies when it has opened the job. Schedule and engine are quicker than the second delivery."""
    for number in range(1, 9):
        world, notifications = World(), Notifications(IMAGES)
        world.steps.crash_before(number)
        with suppress(CrashError):
            taken_in(world, IMAGES)
        for minutes in (5, 10):
            submitted(world, later(minutes))
            notifications.deliver(world)
            taken_in(world, IMAGES, now=later(minutes + 1))
        notifications.deliver(world)

        statuses = world.statuses()
        assert set(statuses.values()) == {Status.COUNTED}, f"crash before step {number}: {statuses}"


def test_a_job_settles_no_photograph_that_another_job_entered() -> None:
    """Two deliveries at once have a photograph in common: it is in both manifests, and in one job."""
    world = World()
    world.steps.before(2, lambda: taken_in(world, IMAGES[1:]))
    taken_in(world, IMAGES[:2])
    ours, theirs = first_job_of(IMAGES[:2]), first_job_of(IMAGES[1:])

    collected(world, JobResult(ours.job_id, None, "The container ran out of memory."))
    shared = IMAGES[1].image_id
    assert world.ledger.items[shared].status is Status.SUBMITTED
    collected(world, answered(world, theirs, map(prediction, IMAGES[1:])))

    assert [world.ledger.items[image.image_id].status for image in IMAGES] == [
        Status.FAILED,
        Status.COUNTED,
        Status.COUNTED,
    ]


# ---- Two at once


def test_two_deliveries_at_once_are_one_job_sent_once() -> None:
    calm = World()
    taken_in(calm, IMAGES)

    worlds = with_each_interruption(
        World, lambda world: taken_in(world, IMAGES), lambda world: taken_in(world, IMAGES, now=later(0.1))
    )

    for world in worlds:
        assert world.async_engine.asked == [JOB.job_id]
        assert world.state()["ledger"] == calm.state()["ledger"]


def test_deliveries_that_overlap_lose_and_double_nothing() -> None:
    def other(world: World) -> None:
        taken_in(world, IMAGES[1:], now=later(0.1))

    for world in with_each_interruption(World, lambda world: taken_in(world, IMAGES[:2]), other):
        settle_everything(world)
        assert {held.status for held in world.ledger.items.values()} == {Status.COUNTED}
        assert len(world.ledger.items) == 3
        assert {count.revision for count in world.bins.items.values()} == {1}


def test_the_schedule_may_come_at_any_moment() -> None:
    for world in with_each_interruption(
        World, lambda world: taken_in(world, IMAGES), lambda world: submitted(world, later(0.1))
    ):
        assert world.async_engine.asked == [JOB.job_id]


@settings(max_examples=50)
@given(st.lists(st.lists(st.sampled_from(photographs(6)), max_size=6), max_size=6), st.integers(1, 4))
def test_however_photographs_are_delivered_each_is_entered_and_asked_about_once(
    deliveries: list[list[Image]], micro_batch: int
) -> None:
    world = World()

    for delivery in deliveries:
        taken_in(world, delivery, micro_batch=micro_batch)

    asked = [image_id for text in world.async_engine.manifests.values() for image_id in parse_manifest(text)]
    assert sorted(asked) == sorted({image.image_id for delivery in deliveries for image in delivery})
    assert sorted(world.ledger.items) == sorted(asked)
    assert sorted(world.async_engine.asked) == sorted(world.jobs.items)
