"""A scheduled run ends in time, whatever waits, and the next run goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bintally.domain.image import Status
from bintally.domain.jobs import JobStatus
from bintally.domain.times import iso
from bintally.usecases.schedule import LAST_SEND_MARGIN

from tests.fakes import World
from tests.unit.functions.examples import NOW, photographs, prediction
from tests.unit.functions.usecases.runs import answered, later, made_round, taken_in

SECONDS = 120.0  # that one run may take, as template.yaml says
STEP = 0.025  # seconds for one request to AWS


def timer(world: World) -> Callable[[], float]:
    """What is left of a run that begins now, if each step takes STEP."""
    begin = world.steps.taken
    return lambda: SECONDS - STEP * (world.steps.taken - begin)


def last_attempts(number: int) -> World:
    """A world in which so many images wait for their last attempt, each alone in its job: four steps for each."""
    world = World()
    world.ledger.receive(photographs(number), iso(NOW))
    for image_id, held in world.ledger.items.items():
        world.ledger.items[image_id] = replace(held, attempts=2)
    return world


def test_a_run_with_too_much_to_do_ends_in_time_and_the_next_runs_do_the_rest() -> None:
    world = last_attempts(2_000)
    sent = []
    for minute in range(6):
        time_left = timer(world)
        done = made_round(world, later(minute), time_left=time_left)
        assert time_left() > 0
        sent += done.submission.sent

    assert len(sent) == len(set(sent)) == 2_000
    assert {(held.status, held.attempts) for held in world.ledger.items.values()} == {(Status.SUBMITTED, 3)}


def test_what_is_open_is_sent_before_anything_else() -> None:
    """Jobs that take long to collect use up the time of the sweep, not of the jobs that are OPEN."""
    world = World()
    silent = photographs(40)
    taken_in(world, silent, micro_batch=1)
    for held, image in zip(list(world.jobs.items.values()), silent, strict=True):
        answered(world, held.job, [prediction(image)])
    world.async_engine.down = True
    taken_in(world, photographs(45)[40:], micro_batch=1)
    world.async_engine.down = False
    seconds = iter([SECONDS] * 5 + [SECONDS - 80] * 100)  # the sweep starts late

    done = made_round(world, later(4), time_left=lambda: next(seconds))

    assert len(done.submission.sent) == 5
    assert done.swept.answered == ()
    assert len(made_round(world, later(5)).swept.answered) == 40


def test_a_run_without_any_time_does_nothing_and_loses_nothing() -> None:
    world = last_attempts(3)

    done = made_round(world, NOW, time_left=lambda: LAST_SEND_MARGIN)

    assert (done.assigned, done.submission.sent) == (0, ())
    assert made_round(world, later(1)).assigned == 3
    assert {held.status for held in world.jobs.items.values()} == {JobStatus.SENT}
