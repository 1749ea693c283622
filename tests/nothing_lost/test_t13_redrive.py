"""T13: messages that become dead letters, and are redriven once the cause is fixed."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from bincli.commands.redrive import Route, redrive_route
from bintally.domain.image import Status

from tests.fakes import CrashError
from tests.nothing_lost.faults import NO_FAULTS, FaultRates
from tests.nothing_lost.healing import deliver, found_wrong, heal
from tests.nothing_lost.platform import Platform
from tests.nothing_lost.queues import MAX_RECEIVES, Message
from tests.nothing_lost.queues import Queue as Simulated
from tests.nothing_lost.watched import WatchedLedger

MESSAGES = 100


class FakeSqs:
    """A queue of the simulation and its dead letters at the URLs `source` and `dead`, as an SQS client sees them.

    Before the request with the number `dies_at` the command dies.
    """

    def __init__(self, queue: Simulated, platform: Platform, dies_at: int = 0) -> None:
        self._queue = queue
        self._platform = platform
        self._dies_at = dies_at
        self._requests = 0
        self._taken: dict[str, Message] = {}

    def _request(self) -> None:
        self._requests += 1
        if self._requests == self._dies_at:
            raise CrashError("by hand")

    def receive_message(self, QueueUrl: str, MaxNumberOfMessages: int, **_: Any) -> dict[str, Any]:  # noqa: N803
        self._request()
        letters = [letter for letter in self._queue.dead if letter not in self._taken.values()][:MaxNumberOfMessages]
        receipts = {f"receipt-{len(self._taken) + number}": letter for number, letter in enumerate(letters)}
        self._taken |= receipts
        return {"Messages": [{"ReceiptHandle": each, "Body": letter.body} for each, letter in receipts.items()]}

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self._request()
        for entry in Entries:
            self._queue.send(entry["MessageBody"], self._platform.now)
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    def delete_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> None:  # noqa: N803
        self._request()
        for entry in Entries:
            self._queue.dead.remove(self._taken[entry["ReceiptHandle"]])


def redriven(platform: Platform, queue: Simulated, dies_at: int = 0) -> int:
    route = Route("intake", "dead", "source", lambda letters: ["poisoned"] * len(letters))
    sqs = FakeSqs(queue, platform, dies_at)
    return redrive_route(route, sqs, dry_run=False, on_progress=lambda done, total=None: None).moved


def dead_letters(platform: Platform) -> None:
    """A hundred notifications that became dead letters because the table failed."""
    for number in range(MESSAGES):
        platform.put(f"bin-{number}/photo.jpg")
    platform.inject(FaultRates(refused=1))
    for _ in range(MAX_RECEIVES):
        platform.deliver_intake(MESSAGES)
    assert (len(platform.intake.waiting), len(platform.intake.dead)) == (0, MESSAGES)
    assert found_wrong(platform) == []
    platform.inject(NO_FAULTS)


def test_all_leave_the_dead_letters_and_are_counted_once(chance: Random) -> None:
    platform = Platform(chance)
    dead_letters(platform)

    assert redriven(platform, platform.intake) == MESSAGES

    assert platform.intake.dead == []
    assert_counted_once(platform)


def test_a_redrive_that_dies_at_any_request_loses_no_message(chance: Random) -> None:
    for dies_at in range(1, 3 * MESSAGES // 10 + 2):
        platform = Platform(chance)
        dead_letters(platform)
        try:
            redriven(platform, platform.intake, dies_at)
            raise AssertionError("it did not die")
        except CrashError:
            redriven(platform, platform.intake)
        assert platform.intake.dead == []
        assert_counted_once(platform)


def test_redriven_notifications_change_nothing_once_the_sweep_found_the_results(chance: Random) -> None:
    """The sweep has found the results meanwhile."""
    platform = Platform(chance)
    for number in range(MESSAGES):
        platform.put(f"bin-{number}/photo.jpg")
        platform.deliver_intake(1)
    platform.now += timedelta(minutes=5)
    platform.answer()
    platform.inject(FaultRates(refused=1))
    for _ in range(MAX_RECEIVES):
        platform.deliver_results(MESSAGES)
    assert len(platform.results.dead) == MESSAGES
    platform.inject(NO_FAULTS)
    for _ in range(3):
        platform.round()
        platform.now += timedelta(minutes=5)
    deliver(platform)
    settled = platform.fakes.state()["ledger"]

    assert redriven(platform, platform.results) == MESSAGES
    deliver(platform)

    assert platform.fakes.state()["ledger"] == settled
    assert_counted_once(platform)


def assert_counted_once(platform: Platform) -> None:
    heal(platform)
    assert found_wrong(platform) == []
    ledger = platform.fakes.ledger.items
    assert isinstance(ledger, WatchedLedger)
    assert len(ledger) == MESSAGES
    assert set(ledger.entered.values()) == set(ledger.written.values()) == {1}
    assert {held.status for held in ledger.values()} == {Status.COUNTED, Status.REJECTED}
