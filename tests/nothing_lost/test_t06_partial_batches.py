"""T6: some of ten messages are bad; all subsets."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import pytest
from bintally.domain.image import Status
from bintally.handlers import wiring

from tests.nothing_lost.healing import found_wrong, heal
from tests.nothing_lost.platform import Platform
from tests.nothing_lost.queues import MAX_RECEIVES
from tests.nothing_lost.watched import WatchedLedger
from tests.unit.functions.handlers.lambdas import bodies, failed, messages, notification, run

MESSAGES = 10
SUBSETS = list(product([True, False], repeat=MESSAGES))
BAD = ["", "no JSON", "{}", "[]", '{"Records": [{"eventName": "ObjectCreated:Put"}]}', '{"TopicArn": "arn:of:another"}']


def bad_places(subset: tuple[bool, ...]) -> list[str]:
    return [f"m{place}" for place, good in enumerate(subset) if not good]


@pytest.mark.usefixtures("without_logs")
@pytest.mark.parametrize(("function", "good"), [("intake", "s3-test-event"), ("collect", "test-notification")])
def test_exactly_the_bad_messages_are_retried(function: str, good: str, on_aws: dict[str, str], chance: Random) -> None:
    (fine,) = bodies(f"{function}/{good}.json")
    for subset in SUBSETS:
        answer = run(function, messages(*(fine if each else chance.choice(BAD) for each in subset)))
        assert failed(answer) == bad_places(subset)


@pytest.mark.parametrize("bad", range(MESSAGES + 1))
def test_good_messages_beside_bad_ones_are_processed(bad: int, on_aws: dict[str, str], chance: Random) -> None:
    subset = [number >= bad for number in range(MESSAGES)]
    chance.shuffle(subset)
    mixed: list[Any] = [
        notification(f"bin-{place}/a.jpg") if good else chance.choice(BAD) for place, good in enumerate(subset)
    ]

    assert failed(run("intake", messages(*mixed))) == bad_places(tuple(subset))
    again = run("intake", messages(*(each for each, good in zip(mixed, subset, strict=True) if not good)))

    assert len(failed(again)) == bad
    assert wiring.dependencies().ledger.statuses() == ({Status.SUBMITTED: MESSAGES - bad} if bad < MESSAGES else {})


def test_good_messages_are_processed_once_and_bad_ones_become_dead_letters(chance: Random) -> None:
    platform = Platform(chance)
    dead = 0
    for number, subset in enumerate(SUBSETS):
        for place, good in enumerate(subset):
            if good:
                platform.put(f"bin-{number}-{place}/a.jpg")
            else:
                platform.intake.send(chance.choice(BAD), platform.now)
        for _ in range(MAX_RECEIVES):
            platform.deliver_intake(MESSAGES)
        dead += subset.count(False)
        assert platform.intake.waiting == []
        assert len(platform.intake.dead) == dead

    ledger = platform.fakes.ledger.items
    assert isinstance(ledger, WatchedLedger)
    assert len(ledger) == MESSAGES * len(SUBSETS) - dead
    assert set(ledger.entered.values()) == {1}
    heal(platform)
    assert found_wrong(platform) == []
