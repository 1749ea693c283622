"""T15: fifty workers with the same photo, and senders that died while they had a job to themselves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from random import Random

from bintally.domain.image import Status
from bintally.usecases.schedule import run_schedule

from tests.fakes import CrashError, Fakes
from tests.nothing_lost.healing import found_wrong, heal
from tests.nothing_lost.interleaving import Interleaving, nested
from tests.nothing_lost.platform import Platform
from tests.nothing_lost.policy import POLICY
from tests.nothing_lost.uploads import images_in
from tests.nothing_lost.watched import WatchedLedger
from tests.unit.functions.examples import NOW, make_image
from tests.unit.functions.usecases.runs import ingested

WORKERS = 50
ROUNDS = 1000
THREADED = 20


def same_delivery(platform: Platform) -> Callable[[], object]:
    """What each worker does: it has got the same message as all the others."""
    (body,) = {message.body for message in platform.intake.waiting}
    return lambda: ingested(platform.fakes, images_in(body), now=platform.now)


def assert_single(fakes: Fakes) -> None:
    assert [held.status for held in fakes.ledger.items.values()] == [Status.SUBMITTED]
    assert isinstance(fakes.ledger.items, WatchedLedger)
    assert list(fakes.ledger.items.entered.values()) == [1]
    assert len(fakes.async_engine.asked) == 1
    assert [job.send_count for job in fakes.jobs.all()] == [1]


def test_of_fifty_nested_workers_one_wins(chance: Random) -> None:
    """Each run of a worker is interrupted, at any step, by the runs of others."""
    for _ in range(ROUNDS):
        platform = Platform(chance)
        platform.put("bin/photo.jpg")
        step, start = nested([same_delivery(platform)] * WORKERS, chance)
        platform.use(step)
        start()
        assert_single(platform.fakes)


def test_of_fifty_workers_in_step_one_wins(chance: Random) -> None:
    for _ in range(THREADED):
        platform = Platform(chance)
        platform.put("bin/photo.jpg")
        interleaving = Interleaving(chance)
        work = same_delivery(platform)
        platform.use(interleaving)
        assert interleaving.run([work] * WORKERS) == []
        platform.use(platform.injector)
        assert_single(platform.fakes)


def test_after_a_sender_dies_exactly_one_other_takes_over(chance: Random) -> None:
    """Its claim expires; then exactly one of the others sends."""
    for _ in range(ROUNDS):
        fakes = Fakes()
        fakes.async_engine.down = True
        ingested(fakes, [make_image()])
        fakes.async_engine.down = False
        held = next(iter(fakes.jobs.all()))
        with suppress(CrashError):
            fakes.steps.crash_before(chance.choice([4, 5, 6, 7, 8]))
            later = NOW + POLICY.sweep_after + timedelta(seconds=1)
            run_schedule(fakes, policy=POLICY, now=later)
        before = len(fakes.async_engine.asked)
        again = later + POLICY.sweep_after + timedelta(seconds=1)
        work = [lambda: run_schedule(fakes, policy=POLICY, now=again)] * 5  # noqa: B023
        step, start = nested(work, chance)
        use(fakes, step)
        start()
        assert len(fakes.async_engine.asked) <= before + 1
        assert set(fakes.async_engine.asked) == {held.job_id}


def use(fakes: Fakes, step: Callable[[], object]) -> None:
    for fake in (fakes.ledger, fakes.jobs, fakes.async_engine, fakes.batch_engine, fakes.bins, fakes.events):
        fake.step = step


def test_concurrent_scheduled_runs_lose_nothing(chance: Random) -> None:
    """Concurrent scheduled runs, each time over photos that wait for another attempt."""
    for _ in range(THREADED):
        platform = Platform(chance, batch_size=5)
        for number in range(40):
            platform.put(f"bin-{number}/photo.jpg")
        platform.fakes.async_engine.down = True
        platform.deliver_intake()
        platform.fakes.async_engine.down = False
        platform.now += timedelta(minutes=10)
        interleaving = Interleaving(chance)
        platform.use(interleaving)
        assert interleaving.run([platform.round] * 5) == []
        platform.use(platform.injector)
        assert len(platform.fakes.async_engine.asked) == len(set(platform.fakes.async_engine.asked))
        heal(platform)
        assert found_wrong(platform) == []
