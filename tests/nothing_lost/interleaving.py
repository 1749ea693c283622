"""Concurrent runs, step by step, in an order that the seed decides."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from random import Random

PATIENCE = 300  # seconds, far more than a healthy machine needs


def nested(
    tasks: Sequence[Callable[[], object]], chance: Random, rate: float = 0.3
) -> tuple[Callable[[], None], Callable[[], None]]:
    """A step, before which by rate the next of the tasks runs to its end; and what starts them, until all have run."""
    waiting = list(tasks)

    def step() -> None:
        if waiting and chance.random() < rate:
            waiting.pop()()

    def start() -> None:
        while waiting:
            waiting.pop()()

    return step, start


class Interleaving:
    """A step before which another run may continue, at the rate `switches`: one thread at a time."""

    def __init__(self, chance: Random, switches: float = 0.3) -> None:
        self._chance = chance
        self._switches = switches
        self._turns: dict[int, threading.Semaphore] = {}
        self._me = threading.local()

    def __call__(self) -> None:
        if self._chance.random() < self._switches:
            other = self._chance.choice(list(self._turns))
            if other != self._me.number:
                self._turns[other].release()
                self._turns[self._me.number].acquire()

    def run(self, tasks: Sequence[Callable[[], object]]) -> list[Exception]:
        """Run all to their ends; what they raised."""
        raised: list[Exception] = []
        self._turns = {number: threading.Semaphore(0) for number in range(len(tasks))}

        def work(number: int, turn: threading.Semaphore) -> None:
            turn.acquire()
            self._me.number = number
            try:
                tasks[number]()
            except Exception as error:
                raised.append(error)
            del self._turns[number]
            self._go_on()

        threads = [threading.Thread(target=work, args=each, daemon=True) for each in self._turns.items()]
        for thread in threads:
            thread.start()
        self._go_on()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "the runs wait for each other"
        return raised

    def _go_on(self) -> None:
        if self._turns:
            self._turns[self._chance.choice(list(self._turns))].release()
