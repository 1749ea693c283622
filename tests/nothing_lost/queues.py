"""A queue that delivers at least once, in no order, and sets aside what fails too often."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from bintally.domain.errors import BintallyError

MOST_RECEIVES = 5  # as template.yaml says
HIDDEN = timedelta(minutes=12)  # while a receiver has it


@dataclass(eq=False)
class Message:
    """`received` times so far; seen again from `visible_at`."""

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
        """Some of those that are visible, hidden from now on until they are done with."""
        visible = [message for message in self.waiting if message.visible_at <= now]
        taken = self._chance.sample(visible, min(most, len(visible)))
        for message in taken:
            message.received += 1
            message.visible_at = now + HIDDEN
        return taken

    def done(self, messages: list[Message], now: datetime, repeated: float = 0) -> None:
        """Delete these, but for the share that the queue forgets to."""
        for message in messages:
            if repeated and self._chance.random() < repeated:
                message.received, message.visible_at = 0, now
            else:
                self.waiting.remove(message)

    def failed(self, messages: list[Message], now: datetime) -> None:
        """Back into the queue at once, or to the dead letters."""
        for message in messages:
            message.visible_at = now
            if message.received >= MOST_RECEIVES:
                self.waiting.remove(message)
                self.dead.append(message)

    def redrive(self, now: datetime) -> int:
        """Dead letters back; how many."""
        letters, self.dead = self.dead, []
        for letter in letters:
            self.send(letter.body, now)
        return len(letters)


def failed_by(messages: Iterable[Message], take: Callable[[str], object]) -> list[Message]:
    """Those whose body `take` fails on, as a function reports them; the others are done."""
    failed = []
    for message in messages:
        try:
            take(message.body)
        except BintallyError:
            failed.append(message)
    return failed
