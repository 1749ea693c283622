"""Pauses between attempts: exponential backoff with full jitter.

Without jitter, two runs that collide would collide again at every attempt.
https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

FIRST_SECONDS, MAX_SECONDS = 0.1, 2.0

Pause = Callable[[int], object]
"""Waits after the attempt with this number, from 0."""


def pause(attempt: int) -> None:
    """Sleep for a random time up to a bound that doubles with each attempt."""
    time.sleep(seconds(attempt))


def seconds(attempt: int) -> float:
    return random.uniform(0, min(MAX_SECONDS, FIRST_SECONDS * 2**attempt))  # noqa: S311 - not a secret
