"""The environment, parsed once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from zoneinfo import ZoneInfo

from bintally.domain.due import site_zone
from bintally.domain.policy import InferenceMode, Policy
from bintally.domain.verdicts import Thresholds


class MissingSettingError(RuntimeError):
    """An environment variable is missing or is not what it should be."""


@dataclass(frozen=True)
class Settings:
    """What `template.yaml` tells every function."""

    intake_bucket: str
    orders_bucket: str
    orders_queue: str
    jobs_bucket: str
    images_table: str
    bins_table: str
    consignments_table: str
    jobs_table: str
    endpoint_name: str
    model_name: str
    result_topics: frozenset[str]
    batch_instances: int
    key_pattern: str
    policy: Policy
    thresholds: Thresholds
    zone: ZoneInfo


@cache
def settings() -> Settings:
    """The settings of this process. Raises MissingSettingError."""
    return read_settings(os.environ)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings in `environment`. Raises MissingSettingError, naming the variable."""

    def text(name: str) -> str:
        if not environment.get(name):
            raise MissingSettingError(f"The environment variable {name} is missing; template.yaml sets it.")
        return environment[name]

    def number(name: str) -> float:
        try:
            return float(text(name))
        except ValueError as error:
            raise MissingSettingError(f"The environment variable {name} is not a number: {text(name)!r}.") from error

    return Settings(
        intake_bucket=text("INTAKE_BUCKET"),
        orders_bucket=text("ORDERS_BUCKET"),
        orders_queue=text("ORDERS_QUEUE"),
        jobs_bucket=text("JOBS_BUCKET"),
        images_table=text("IMAGES_TABLE"),
        bins_table=text("BINS_TABLE"),
        consignments_table=text("CONSIGNMENTS_TABLE"),
        jobs_table=text("JOBS_TABLE"),
        endpoint_name=text("ENDPOINT_NAME"),
        model_name=text("MODEL_NAME"),
        result_topics=frozenset(text("RESULT_TOPICS").split(",")),
        batch_instances=int(number("BATCH_INSTANCES")),
        key_pattern=environment.get("KEY_PATTERN", ""),
        policy=Policy(
            mode=_mode(text("INFERENCE_MODE")),
            batch_threshold=int(number("BATCH_THRESHOLD")),
            micro_batch=int(number("MICRO_BATCH_SIZE")),
            max_attempts=int(number("MAX_ATTEMPTS")),
            sweep_after=timedelta(seconds=number("SWEEP_AFTER")),
            job_timeout=timedelta(seconds=number("JOB_TIMEOUT")),
            retry_delay=timedelta(seconds=number("RETRY_DELAY")),
            instance_types=tuple(part.strip() for part in text("BATCH_INSTANCE_TYPES").split(",")),
        ),
        thresholds=Thresholds(number("MATCH_THRESHOLD"), number("VARIANCE_THRESHOLD")),
        zone=_zone(text("SITE_TIME_ZONE")),
    )


def _zone(text: str) -> ZoneInfo:
    try:
        return site_zone(text)
    except ValueError as error:
        raise MissingSettingError(f"The environment variable SITE_TIME_ZONE: {error}") from error


def _mode(text: str) -> InferenceMode:
    try:
        return InferenceMode(text)
    except ValueError as error:
        known = ", ".join(InferenceMode)
        raise MissingSettingError(f"The environment variable INFERENCE_MODE is {text!r}; known are {known}.") from error
