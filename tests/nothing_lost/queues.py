"""A queue with at-least-once delivery, in any order, and a dead-letter queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from bintally.domain.errors import BintallyError

MAX_RECEIVES = 5  # as template.yaml says
HIDDEN = timedelta(minutes=12)  # visibility timeout


@dataclass(eq=False)
class Message:
    """`received` is how often it was delivered; it is hidden until `visible_at`."""

    body: str
    visible_at: datetime
    received: int = 0


class Queue:
    """`dead` is its dead-letter queue."""

    def __init__(self, chance: Random) -> None:
        self.waiting: list[Message] = []
        self.dead: list[Message] = []
        self._chance = chance

    def send(self, body: str, now: datetime, delay: timedelta = timedelta()) -> None:
        self.waiting.append(Message(body, now + delay))

    def receive(self, now: datetime, most: int) -> list[Message]:
        """Up to `most` visible messages, now hidden for a while."""
        visible = [message for message in self.waiting if message.visible_at <= now]
        received = self._chance.sample(visible, min(most, len(visible)))
        for message in received:
            message.received += 1
            message.visible_at = now + HIDDEN
        return received

    def done(self, messages: list[Message], now: datetime, repeated: float = 0) -> None:
        """Delete these, except the share `repeated`, which the queue delivers again."""
        gone = set()
        for message in messages:
            if repeated and self._chance.random() < repeated:
                message.received, message.visible_at = 0, now
            else:
                gone.add(message)
        self._delete(gone)

    def failed(self, messages: list[Message], now: datetime) -> None:
        """Back into the queue at once, or to the dead-letter queue."""
        for message in messages:
            message.visible_at = now
        dead = [message for message in messages if message.received >= MAX_RECEIVES]
        self._delete(set(dead))
        self.dead += dead

    def _delete(self, messages: set[Message]) -> None:
        assert messages <= set(self.waiting)
        self.waiting = [message for message in self.waiting if message not in messages]

    def redrive(self, now: datetime) -> int:
        """Send the dead letters again; how many."""
        dead, self.dead = self.dead, []
        for message in dead:
            self.send(message.body, now)
        return len(dead)


def failed_by(messages: Iterable[Message], take: Callable[[str], object]) -> list[Message]:
    """The messages on whose body `take` fails, as a function reports them."""
    failed = []
    for message in messages:
        try:
            take(message.body)
        except BintallyError:
            failed.append(message)
    return failed
