"""A job that has just ended belongs to collect: two runs that process it would publish its events twice."""

from __future__ import annotations

import pytest
from bintally.domain.image import Status
from bintally.domain.times import iso

from tests.fakes import Fakes
from tests.unit.functions.examples import make_images, prediction
from tests.unit.functions.usecases.runs import (
    answered,
    collected,
    first_job_of,
    ingested_job,
    later,
    scheduled,
    with_each_interruption,
)

IMAGES = make_images(3)
JOB = first_job_of(IMAGES)


def with_ended_job() -> Fakes:
    """The engine finished the job half an hour after it was sent."""
    fakes = Fakes()
    answered(fakes, ingested_job(fakes, IMAGES), map(prediction, IMAGES))
    fakes.async_engine.ended_at[JOB.job_id] = iso(later(30))
    return fakes


@pytest.mark.parametrize("failure", ["", "ClientError: See job logs."])
def test_a_job_that_has_just_ended_is_left_to_collect(failure: str) -> None:
    fakes = with_ended_job()
    if failure:
        fakes.async_engine.failures[JOB.job_id] = failure

    swept = scheduled(fakes, later(31)).swept

    assert (swept.answered, swept.failed, fakes.events.published) == ((), (), [])
    swept = scheduled(fakes, later(34)).swept
    assert swept.answered + swept.failed == (JOB.job_id,)


def test_the_sweep_and_collect_never_publish_one_event_twice() -> None:
    """The sweep runs before each step of collect, as on AWS when the notification is a few seconds old."""
    all_fakes = with_each_interruption(
        with_ended_job,
        lambda fakes: collected(fakes, fakes.async_engine.result(JOB), now=later(30.1)),
        lambda fakes: scheduled(fakes, later(30.1)),
    )

    assert [len(fakes.events.published) for fakes in all_fakes] == [len(IMAGES)] * len(all_fakes)
    assert all(set(fakes.statuses().values()) == {Status.COUNTED} for fakes in all_fakes)
