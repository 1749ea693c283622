"""The environment variables that template.yaml sets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from functools import cache, cached_property
from zoneinfo import ZoneInfo

from bintally.domain.due import site_zone
from bintally.domain.errors import SettingError
from bintally.domain.jobs import EngineName
from bintally.domain.policy import InferenceMode, Policy
from bintally.domain.risk import OrderPrior, steps_of
from bintally.domain.verdicts import VerdictRules


class Settings:
    """The settings in `environment`, each read on first use.

    A missing or invalid variable raises SettingError, which names it, only in the functions that use it.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    @property
    def intake_bucket(self) -> str:
        return self._text("INTAKE_BUCKET")

    @property
    def intake_queue(self) -> str:
        return self._text("INTAKE_QUEUE")

    @property
    def orders_bucket(self) -> str:
        return self._text("ORDERS_BUCKET")

    @property
    def orders_queue(self) -> str:
        return self._text("ORDERS_QUEUE")

    @property
    def jobs_bucket(self) -> str:
        return self._text("JOBS_BUCKET")

    @property
    def images_table(self) -> str:
        return self._text("IMAGES_TABLE")

    @property
    def bins_table(self) -> str:
        return self._text("BINS_TABLE")

    @property
    def consignments_table(self) -> str:
        return self._text("CONSIGNMENTS_TABLE")

    @property
    def decisions_table(self) -> str:
        return self._text("DECISIONS_TABLE")

    @property
    def checks_table(self) -> str:
        return self._text("CHECKS_TABLE")

    @property
    def leases_table(self) -> str:
        return self._text("LEASES_TABLE")

    @property
    def jobs_table(self) -> str:
        return self._text("JOBS_TABLE")

    @property
    def settings_parameter(self) -> str:
        return self._text("SETTINGS_PARAMETER")

    @property
    def endpoint_name(self) -> str:
        return self._text("ENDPOINT_NAME")

    @property
    def model_function(self) -> str:
        return self._text("MODEL_FUNCTION")

    @property
    def model_name(self) -> str:
        return self._text("MODEL_NAME")

    @property
    def result_topics(self) -> frozenset[str]:
        return frozenset(self._text("RESULT_TOPICS").split(","))

    @property
    def batch_instances(self) -> int:
        return int(self._number("BATCH_INSTANCES"))

    @property
    def second_look(self) -> bool:
        """Whether two people have to agree on a count that differs from the order."""
        return self._text("SECOND_LOOK") == "on"

    @property
    def key_pattern(self) -> str:
        return self._environment.get("KEY_PATTERN", "")

    @cached_property
    def policy(self) -> Policy:
        return Policy(
            mode=self._mode("INFERENCE_MODE"),
            engines=self._engines("ENGINES"),
            lambda_threshold=int(self._number("LAMBDA_THRESHOLD")),
            batch_threshold=int(self._number("BATCH_THRESHOLD")),
            micro_batch=int(self._number("MICRO_BATCH_SIZE")),
            max_attempts=int(self._number("MAX_ATTEMPTS")),
            sweep_after=timedelta(seconds=self._number("SWEEP_AFTER")),
            job_timeout=timedelta(seconds=self._number("JOB_TIMEOUT")),
            retry_delay=timedelta(seconds=self._number("RETRY_DELAY")),
            instance_types=tuple(part.strip() for part in self._text("BATCH_INSTANCE_TYPES").split(",")),
            max_requests=int(self._number("MAX_REQUESTS")),
            max_transform_jobs=int(self._number("MAX_TRANSFORM_JOBS")),
            max_invocations=int(self._number("MAX_INVOCATIONS")),
        )

    @cached_property
    def verdict_rules(self) -> VerdictRules:
        rate, steps = self._number("DISCREPANCY_RATE"), self._steps("DISCREPANCY_STEPS")
        names = "MATCH_RISK", "VARIANCE_THRESHOLD", "AUDIT_SHARE"
        match_risk, variance, audit_share = map(self._number, names)
        try:
            return VerdictRules(match_risk, variance, OrderPrior(rate, steps), audit_share)
        except ValueError as error:
            raise SettingError(f"The environment variables of the verdicts: {error}.") from error

    @cached_property
    def zone(self) -> ZoneInfo:
        try:
            return site_zone(self._text("SITE_TIME_ZONE"))
        except ValueError as error:
            raise SettingError(f"The environment variable SITE_TIME_ZONE: {error}") from error

    def _text(self, name: str) -> str:
        text = self._environment.get(name)
        if not text:
            raise SettingError(f"The environment variable {name} is missing; template.yaml sets it.")
        return text

    def _number(self, name: str) -> float:
        text = self._text(name)
        try:
            return float(text)
        except ValueError as error:
            raise SettingError(f"The environment variable {name} is not a number: {text!r}.") from error

    def _steps(self, name: str) -> tuple[float, ...]:
        text = self._text(name)
        try:
            return steps_of(text)
        except ValueError as error:
            raise SettingError(f"The environment variable {name}: {error}") from error

    def _engines(self, name: str) -> frozenset[EngineName]:
        text = self._text(name)
        try:
            return frozenset(map(EngineName, text.split(",")))
        except ValueError as error:
            known = ", ".join(EngineName)
            raise SettingError(f"The environment variable {name} is {text!r}; it must list some of {known}.") from error

    def _mode(self, name: str) -> InferenceMode:
        text = self._text(name)
        try:
            return InferenceMode(text)
        except ValueError as error:
            known = ", ".join(InferenceMode)
            raise SettingError(f"The environment variable {name} is {text!r}; it must be one of {known}.") from error


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings(os.environ)
