"""A job that has just ended belongs to collect: two runs that process it would publish its events twice."""

from __future__ import annotations

import pytest
from bintally.domain.image import Status
from bintally.domain.times import iso

from tests.fakes import World
from tests.unit.functions.examples import photographs, prediction
from tests.unit.functions.usecases.runs import (
    answered,
    collected,
    first_job_of,
    job_in,
    later,
    made_round,
    with_each_interruption,
)

IMAGES = photographs(3)
JOB = first_job_of(IMAGES)


def ended_world() -> World:
    """The engine finished the job half an hour after it was sent."""
    world = World()
    answered(world, job_in(world, IMAGES), map(prediction, IMAGES))
    world.async_engine.ended_at[JOB.job_id] = iso(later(30))
    return world


@pytest.mark.parametrize("failure", ["", "ClientError: See job logs."])
def test_a_job_that_has_just_ended_is_left_to_collect(failure: str) -> None:
    world = ended_world()
    if failure:
        world.async_engine.failures[JOB.job_id] = failure

    swept = made_round(world, later(31)).swept

    assert (swept.answered, swept.failed, world.events.published) == ((), (), [])
    swept = made_round(world, later(34)).swept
    assert swept.answered + swept.failed == (JOB.job_id,)


def test_the_sweep_and_collect_never_publish_one_event_twice() -> None:
    """The sweep runs before each step of collect, as on AWS when the notification is a few seconds old."""
    worlds = with_each_interruption(
        ended_world,
        lambda world: collected(world, world.async_engine.result(JOB), now=later(30.1)),
        lambda world: made_round(world, later(30.1)),
    )

    assert [len(world.events.published) for world in worlds] == [len(IMAGES)] * len(worlds)
    assert all(set(world.statuses().values()) == {Status.COUNTED} for world in worlds)
