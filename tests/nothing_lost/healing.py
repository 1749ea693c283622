"""Time that passes on the platform, and its recovery once all faults are over."""

from __future__ import annotations

from datetime import timedelta

from bintally.domain.image import TERMINAL, Status
from bintally.domain.jobs import UNFINISHED

from tests.nothing_lost.conservation import violations, wrong_lines
from tests.nothing_lost.faults import NO_FAULTS
from tests.nothing_lost.platform import Platform

MAX_MOMENTS = 400  # of a quarter of an hour: four days
MAX_DELIVERIES = 10_000


def moment(platform: Platform, minutes: float = 1) -> None:
    """Run every function once, in random order; then `minutes` pass."""
    steps = [platform.deliver_intake, platform.deliver_results, platform.deliver_orders, platform.deliver_streams]
    steps += [platform.round, platform.answer, platform.clock]
    for step in platform.chance.sample(steps, len(steps)):
        step()
    platform.now += timedelta(minutes=minutes)


def heal(platform: Platform, retry: bool = True) -> None:
    """Stop all faults, redrive dead letters, retry FAILED photos if `retry`, and run until nothing is in progress.

    Raises AssertionError if that does not happen.
    """
    platform.inject(NO_FAULTS)
    platform.redrive()
    for number in range(MAX_MOMENTS):
        deliver(platform)
        failed = [each for each, held in platform.fakes.ledger.items.items() if held.status is Status.FAILED]
        if retry and failed and number < MAX_MOMENTS // 2:
            platform.fakes.ledger.reopen(failed, platform.time)
        elif is_settled(platform) and not platform.clock():
            return
        platform.round()
        while platform.clock():
            deliver(platform)
        platform.now += timedelta(minutes=15)
    raise AssertionError(f"it does not settle: {unsettled(platform)}")


def deliver(platform: Platform) -> None:
    """Deliver all messages and changes, and finish all requests that are due."""
    for _ in range(MAX_DELIVERIES):
        moved = [platform.answer(), platform.deliver_intake(1000), platform.deliver_results()]
        if not any([*moved, platform.deliver_orders(), platform.deliver_streams()]):
            return
    raise AssertionError("messages come for ever")


def is_settled(platform: Platform) -> bool:
    return not unsettled(platform)


def unsettled(platform: Platform) -> list[str]:
    """Everything that is still in progress."""
    fakes, queues = platform.fakes, (platform.intake, platform.results, platform.orders)
    waiting = [f"{len(queue.waiting)} messages wait" for queue in queues if queue.waiting]
    waiting += [f"{e.name} has {len(e.waiting)} requests" for e in platform.engines if e.waiting]
    waiting += [f"{job.job_id} is {job.status}" for job in fakes.jobs.all() if job.status in UNFINISHED]
    ledger = fakes.ledger.items.values()
    return waiting + [f"{held.image.key} is {held.status}" for held in ledger if held.status not in TERMINAL]


def found_wrong(platform: Platform) -> list[str]:
    """The violated invariants."""
    dead = [message.body for queue in (platform.intake, platform.results, platform.orders) for message in queue.dead]
    wrong = violations(platform.fakes, list(platform.uploads.all.values()), dead=dead, now=platform.now)
    return wrong + wrong_lines(platform.fakes, list(platform.files.values()))
