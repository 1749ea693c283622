"""Several ways to do one thing, timed in turn, because the machine may be busy for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def interleaved(ways: Mapping[str, Callable[[], object]], rounds: int) -> list[dict[str, float]]:
    """The seconds of each way, for each of `rounds`."""
    return [{name: seconds(work) for name, work in ways.items()} for _ in range(rounds)]
