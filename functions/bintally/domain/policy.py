"""Which engine counts, how often a photograph is tried, and when: decisions, with their reasons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bintally.domain.jobs import EngineName

ATTEMPTS_PER_TYPE = 3  # of one instance type, before the next one is asked for
LONGEST_DELAY = timedelta(hours=1)


class InferenceMode(StrEnum):
    """AUTO takes the batch engine for large backlogs, the endpoint for all else."""

    ASYNC = "async"
    BATCH = "batch"
    AUTO = "auto"


@dataclass(frozen=True)
class Policy:
    """What the operator decides.

    `micro_batch` photographs go to a manifest, `max_attempts` jobs ask about a photograph before it has FAILED. A job
    that nothing is heard of is looked into after `sweep_after`, which is longer than any function runs, and is given up
    after `job_timeout`. A photograph without an answer waits for `retry_delay`, twice as long each time. A transform
    job asks for the first of `instance_types`, and for the next where there is no capacity.
    """

    mode: InferenceMode
    batch_threshold: int
    micro_batch: int
    max_attempts: int
    sweep_after: timedelta
    job_timeout: timedelta
    retry_delay: timedelta
    instance_types: tuple[str, ...]


def engine_for(policy: Policy, pending: int) -> EngineName:
    """The engine for `pending` photographs.

    An endpoint that is awake answers within seconds, and one that scales from zero within about five minutes, which is
    also what a transform job takes to start. So a few photographs go to the endpoint. A transform job pays only for
    the time it runs, on as many instances as it is given, and leaves the endpoint to the photographs that somebody
    waits for: so a large backlog goes there. The border is where counting takes longer than starting.
    """
    if policy.mode is InferenceMode.AUTO:
        return EngineName.BATCH if pending >= policy.batch_threshold else EngineName.ASYNC
    return EngineName(policy.mode.value)


def waits_for_schedule(policy: Policy, delivered: int) -> bool:
    """Whether `delivered` photographs are left pending, so that the scheduled submit puts them with others into a job.

    In AUTO a delivery that fills a manifest, which is as large as one can be (`BatchSize` in template.yaml), is taken
    for the front of a backlog: nobody counts the queue.
    """
    if policy.mode is InferenceMode.AUTO:
        return delivered >= policy.micro_batch
    return policy.mode is InferenceMode.BATCH


def manifest_size(policy: Policy, tried: int) -> int:
    """How many photographs share a manifest after `tried` attempts: from `micro_batch` down to 1 for the last attempt.

    One photograph that breaks the model server fails all that share its manifest, so they are parted, in equal ratios:
    500, 22, 1 for three attempts.
    """
    if tried <= 0:
        return policy.micro_batch
    left = max(policy.max_attempts - 1 - tried, 0)
    share: float = policy.micro_batch ** (left / max(policy.max_attempts - 1, 1))
    return max(1, math.floor(share + 1e-9))


def retry_at(policy: Policy, tried: int, now: datetime) -> datetime:
    """When a photograph is due again that had no answer after `tried` attempts."""
    return now + backoff(policy, tried)


def backoff(policy: Policy, times: int) -> timedelta:
    """`retry_delay`, doubled for each of `times` after the first, up to an hour."""
    delay: timedelta = policy.retry_delay * 2 ** min(max(times - 1, 0), 20)
    return min(delay, LONGEST_DELAY)


def lacks_capacity(reason: str) -> bool:
    """Whether a transform job failed for want of instances, before it looked at anything.

    As SageMaker says it: `CapacityError: Unable to provision requested ML compute capacity.`
    """
    return reason.startswith("CapacityError")


def instance_type(types: Sequence[str], transform_attempt: int) -> str | None:
    """The instance type for the transform job with this number (from 0); None when every type has been tried."""
    number = transform_attempt // ATTEMPTS_PER_TYPE
    return types[number] if number < len(types) else None
