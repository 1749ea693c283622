"""A scheduled run ends in time however much waits, and the next run continues."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bintally.domain.image import Status
from bintally.domain.jobs import JobStatus
from bintally.domain.times import iso
from bintally.usecases.schedule import LAST_SEND_MARGIN

from tests.fakes import Fakes
from tests.unit.functions.examples import NOW, make_images, prediction
from tests.unit.functions.usecases.runs import POLICY, answered, ingested, later, scheduled

SECONDS = 120.0  # that one run may take, as template.yaml says
STEP = 0.025  # seconds for one request to AWS


def timer(fakes: Fakes) -> Callable[[], float]:
    """The time left of a run that starts now, if each step takes STEP."""
    begin = fakes.steps.count
    return lambda: SECONDS - STEP * (fakes.steps.count - begin)


def last_attempts(number: int) -> Fakes:
    """A fakes in which so many images wait for their last attempt, each alone in its job: four steps for each."""
    fakes = Fakes()
    fakes.ledger.receive(make_images(number), iso(NOW))
    for image_id, held in fakes.ledger.items.items():
        fakes.ledger.items[image_id] = replace(held, attempts=2)
    return fakes


def test_a_run_with_too_much_to_do_ends_in_time_and_the_next_runs_do_the_rest() -> None:
    fakes = last_attempts(2_000)
    sent = []
    for minute in range(6):
        time_left = timer(fakes)
        done = scheduled(fakes, later(minute), replace(POLICY, max_requests=5_000), time_left)
        assert time_left() > 0
        sent += done.submission.sent

    assert len(sent) == len(set(sent)) == 2_000
    assert {(held.status, held.attempts) for held in fakes.ledger.items.values()} == {(Status.SUBMITTED, 3)}


def test_open_jobs_are_sent_before_anything_else() -> None:
    """Jobs that take long to collect use up the time of the sweep, not of the jobs that are OPEN."""
    fakes = Fakes()
    silent = make_images(40)
    ingested(fakes, silent, micro_batch=1)
    for held, image in zip(list(fakes.jobs.items.values()), silent, strict=True):
        answered(fakes, held.job, [prediction(image)])
    fakes.async_engine.down = True
    ingested(fakes, make_images(45)[40:], micro_batch=1)
    fakes.async_engine.down = False
    seconds = iter([SECONDS] * 5 + [SECONDS - 80] * 100)  # the sweep starts late

    done = scheduled(fakes, later(4), time_left=lambda: next(seconds))

    assert len(done.submission.sent) == 5
    assert done.swept.answered == ()
    assert len(scheduled(fakes, later(5)).swept.answered) == 40


def test_a_run_without_any_time_does_nothing_and_loses_nothing() -> None:
    fakes = last_attempts(3)

    done = scheduled(fakes, NOW, time_left=lambda: LAST_SEND_MARGIN)

    assert (done.assigned, done.submission.sent) == (0, ())
    assert scheduled(fakes, later(1)).assigned == 3
    assert {held.status for held in fakes.jobs.items.values()} == {JobStatus.SENT}
