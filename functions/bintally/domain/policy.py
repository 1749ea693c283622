"""Decisions about engines and retries: which engine counts, how often an image is tried, and when."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bintally.domain.jobs import EngineName

ATTEMPTS_PER_TYPE = 3  # with one instance type, before trying the next one
MAX_DELAY = timedelta(hours=1)
# An event of the model function expires after an hour, and a run ends after 15 minutes: template.yaml says both.
INVOCATION_TIMEOUT = timedelta(hours=1, minutes=20)
SUBSTITUTES = (EngineName.ASYNC, EngineName.LAMBDA, EngineName.BATCH)  # in order, where an engine is missing
CAPACITY_REASONS = (
    "CapacityError",
    "InsufficientCapacity",
    "InsufficientInstanceCapacity",
    "Unable to provision requested ML compute capacity",
)


class InferenceMode(StrEnum):
    """AUTO chooses an engine by the backlog: see `engine_for`."""

    ASYNC = "async"
    BATCH = "batch"
    LAMBDA = "lambda"
    AUTO = "auto"


@dataclass(frozen=True)
class Policy:
    """The operator's settings.

    A manifest has up to `micro_batch` images. An image is FAILED after `max_attempts` jobs without a result. A job
    without news is checked after `sweep_after`, which is longer than any function runs, and times out after
    `job_timeout`. An image without a result is retried after `retry_delay`, doubled for each attempt. Transform jobs
    try `instance_types` in order when capacity is unavailable. At most `max_requests` requests to the endpoint are
    unfinished at a time, so that none waits longer than SageMaker keeps it, and at most `max_transform_jobs` transform
    jobs, and at most `max_invocations` invocations of the model function, which leaves room for other functions.
    `engines` are those that the stack has, at least one. A `lambda_threshold` of 0 keeps AUTO from the model function.
    """

    mode: InferenceMode
    engines: Collection[EngineName]
    lambda_threshold: int
    batch_threshold: int
    micro_batch: int
    max_attempts: int
    sweep_after: timedelta
    job_timeout: timedelta
    retry_delay: timedelta
    instance_types: tuple[str, ...]
    max_requests: int
    max_transform_jobs: int
    max_invocations: int


def engine_for(policy: Policy, backlog: int) -> EngineName:
    """The engine for the next images, when `backlog` images have not been counted yet.

    An operator who named an engine gets it. AUTO weighs when the first count arrives with what counting costs:

    - Below `lambda_threshold`, the model function. It answers in seconds and is paid for only while it counts. An image
      costs about four times as much as at a busy endpoint, but no instance has to be started and kept.
    - From `batch_threshold` on, transform jobs, which win over the function if both apply. Their instances take
      minutes to start, are only paid for while they count, and leave the endpoint to images that people wait for.
    - In between, the endpoint. A backlog that the function does not work off is a steady stream, which keeps instances
      busy, and a busy instance is the cheapest.

    If the stack lacks the engine, the endpoint counts; without one the function, and without both transform jobs.
    docs/decisions.md derives the thresholds from prices.
    """
    if policy.mode is not InferenceMode.AUTO:
        return EngineName(policy.mode.value)
    if backlog >= policy.batch_threshold:
        wanted = EngineName.BATCH
    else:
        wanted = EngineName.LAMBDA if backlog < policy.lambda_threshold else EngineName.ASYNC
    return next(engine for engine in (wanted, *SUBSTITUTES) if engine in policy.engines)


def max_jobs(policy: Policy, engine: EngineName) -> int:
    """How many jobs of an engine may be unfinished at a time. More images stay pending."""
    limits = {
        EngineName.ASYNC: policy.max_requests,
        EngineName.BATCH: policy.max_transform_jobs,
        EngineName.LAMBDA: policy.max_invocations,
    }
    return limits[engine]


def timeout_of(policy: Policy, engine: EngineName) -> timedelta:
    """How long after it was sent a job without a result has failed."""
    return min(policy.job_timeout, INVOCATION_TIMEOUT) if engine is EngineName.LAMBDA else policy.job_timeout


def manifest_size(policy: Policy, attempts: int) -> int:
    """How many images share a manifest after `attempts` attempts: from `micro_batch` down to 1 for the last attempt.

    An image that breaks the model server fails all images in its manifest, so retries use smaller manifests. Sizes
    shrink in equal ratios: 500, 22, 1 for three attempts.
    """
    if attempts <= 0:
        return policy.micro_batch
    left = max(policy.max_attempts - 1 - attempts, 0)
    size: float = policy.micro_batch ** (left / max(policy.max_attempts - 1, 1))
    return max(1, math.floor(size + 1e-9))


def retry_at(policy: Policy, attempts: int, now: datetime) -> datetime:
    """When to retry an image that has no result after `attempts` attempts."""
    return now + backoff(policy, attempts)


def backoff(policy: Policy, times: int) -> timedelta:
    """`retry_delay`, doubled for each of `times` after the first, up to an hour."""
    delay: timedelta = policy.retry_delay * 2 ** min(max(times - 1, 0), 20)
    return min(delay, MAX_DELAY)


def lacks_capacity(reason: str) -> bool:
    """Whether a transform job failed because no instances were available, before it processed any image.

    SageMaker's reason is `CapacityError: Unable to provision requested ML compute capacity.`, and for some resources
    `InsufficientInstanceCapacity`. A used-up quota is something else: see `QuotaExceededError`.
    """
    return reason.startswith(CAPACITY_REASONS)


def instance_type(types: Sequence[str], transform_attempt: int) -> str | None:
    """The instance type for this attempt (from 0), or None if every type has been tried."""
    number = transform_attempt // ATTEMPTS_PER_TYPE
    return types[number] if number < len(types) else None
