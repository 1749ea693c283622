"""What can go wrong with the platform, by rate from 0 to 1, and the steps at which it does."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from bintally.domain.errors import StoreError

from tests.fakes import CrashError, Steps


@dataclass(frozen=True)
class FaultRates:
    """`lost`, `doubled` and `late` are notifications of the engines, `repeated` messages that a queue delivers again.

    Of the requests to an engine, `throttled` are refused, `timeouts` are refused although the engine accepted them,
    `failed` jobs fail, `expired` never finish, `cut` outputs are truncated, `full` finds no capacity. Of a
    function's steps: `refused` by the store, `crashed` for good.
    """

    lost: float = 0
    doubled: float = 0
    late: float = 0
    repeated: float = 0
    throttled: float = 0
    timeouts: float = 0
    failed: float = 0
    expired: float = 0
    cut: float = 0
    full: float = 0
    refused: float = 0
    crashed: float = 0


NO_FAULTS = FaultRates()


class FaultInjector(Steps):
    """Steps before which the store may refuse, or the function may die, by rate."""

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self.rates = NO_FAULTS
        self.crashes = 0
        self.refusals = 0
        self._chance = chance

    @property
    def pending(self) -> int:
        """What is still to happen before a step."""
        return len(self._then)

    def __call__(self) -> None:
        super().__call__()
        if self.rates.crashed and self._chance.random() < self.rates.crashed:
            self.crashes += 1
            raise CrashError("by rate")
        if self.rates.refused and self._chance.random() < self.rates.refused:
            self.refusals += 1
            raise StoreError("ProvisionedThroughputExceededException")
