from __future__ import annotations

from datetime import timedelta
from functools import cached_property

import pytest
from bintally.domain.errors import SettingError
from bintally.domain.jobs import EngineName
from bintally.domain.policy import InferenceMode, Policy
from bintally.domain.risk import OrderPrior
from bintally.domain.verdicts import VerdictRules
from bintally.handlers.settings import Settings

from tests.template.deployed import Stack, source, stack

GIVEN = {name: value for name, value in stack().environment("IntakeFunction").items() if "POWERTOOLS" not in name}
OPTIONAL = {"KEY_PATTERN"}
NAMES = [name for name, value in vars(Settings).items() if isinstance(value, property | cached_property)]


def read_all(environment: dict[str, str]) -> None:
    settings = Settings(environment)
    for name in NAMES:
        getattr(settings, name)


def test_the_template_gives_what_the_functions_need() -> None:
    settings = Settings(GIVEN)

    assert settings.intake_bucket == stack().outputs["IntakeBucket"]
    assert settings.result_topics == {stack().outputs["SuccessTopic"], stack().outputs["ErrorTopic"]}
    assert settings.endpoint_name == stack().outputs["EndpointName"]
    parameters = source()["Parameters"]
    assert settings.verdict_rules == VerdictRules(
        match_risk=parameters["MatchRisk"]["Default"],
        variance=parameters["VarianceThreshold"]["Default"],
        prior=OrderPrior(parameters["DiscrepancyRate"]["Default"], (0.7, 0.2, 0.1)),
        audit_share=parameters["AuditShare"]["Default"],
    )
    assert settings.key_pattern == ""
    assert settings.model_name == stack().outputs["ModelName"]
    assert settings.batch_instances == parameters["BatchInstances"]["Default"]
    assert settings.policy == Policy(
        mode=InferenceMode.ASYNC,
        engines=frozenset(EngineName),
        lambda_threshold=2_500,
        batch_threshold=10_000,
        micro_batch=500,
        max_attempts=3,
        sweep_after=timedelta(seconds=180),
        job_timeout=timedelta(hours=7),
        retry_delay=timedelta(minutes=1),
        instance_types=("ml.c6i.xlarge", "ml.m5.xlarge", "ml.c5.xlarge"),
        max_requests=400,
        max_transform_jobs=4,
        max_invocations=5,
    )


def test_the_templates_parameters_reach_the_functions() -> None:
    given = Stack(MicroBatchSize="7", KeyPattern="(?P<bin_id>x)", MatchRisk="0.01").environment("CollectFunction")

    settings = Settings(given)

    assert (settings.policy.micro_batch, settings.key_pattern, settings.verdict_rules.match_risk) == (
        7,
        "(?P<bin_id>x)",
        0.01,
    )


def test_the_operators_policy_reaches_the_functions() -> None:
    chosen = Stack(
        InferenceMode="auto",
        ModelImageUri="image",
        LambdaThreshold="5",
        BatchThreshold="20",
        BatchInstanceTypes="ml.c5.large,ml.m5.large",
        BatchInstances="7",
        MaxAttempts="5",
        RetryDelay="30",
        SweepAfter="200",
        JobTimeout="3600",
        MaxRequests="9",
        MaxTransformJobs="2",
        MaxInvocations="3",
    )

    for function in chosen.of_type("AWS::Lambda::Function"):
        settings = Settings(chosen.environment(function))
        assert settings.batch_instances == 7
        assert settings.policy == Policy(
            mode=InferenceMode.AUTO,
            engines=frozenset(EngineName),
            lambda_threshold=5,
            batch_threshold=20,
            micro_batch=500,
            max_attempts=5,
            sweep_after=timedelta(seconds=200),
            job_timeout=timedelta(hours=1),
            retry_delay=timedelta(seconds=30),
            instance_types=("ml.c5.large", "ml.m5.large"),
            max_requests=9,
            max_transform_jobs=2,
            max_invocations=3,
        )


def test_a_claim_lasts_longer_than_any_function_runs() -> None:
    sweep_after = Settings(GIVEN).policy.sweep_after

    functions = dict(stack().of_type("AWS::Lambda::Function"))
    del functions["ModelFunction"]  # an engine, which claims nothing
    assert all(timedelta(seconds=function["Timeout"]) < sweep_after for function in functions.values())


def test_the_time_zone_of_the_site_reaches_the_functions() -> None:
    assert Settings(GIVEN).zone.key == "UTC"
    given = Stack(SiteTimeZone="America/Argentina/Buenos_Aires").environment("ReconcileFunction")
    assert Settings(given).zone.key == "America/Argentina/Buenos_Aires"


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd", "Europe"])
def test_a_time_zone_that_is_none_is_named(name: str) -> None:
    with pytest.raises(SettingError, match=r"SITE_TIME_ZONE: .* is not a time zone"):
        read_all(GIVEN | {"SITE_TIME_ZONE": name})


def test_a_mode_that_is_not_known_is_named() -> None:
    with pytest.raises(SettingError, match="INFERENCE_MODE is 'Batch'; it must be one of async, batch, lambda, auto"):
        read_all(GIVEN | {"INFERENCE_MODE": "Batch"})


def test_an_engine_that_is_not_known_is_named() -> None:
    with pytest.raises(SettingError, match="ENGINES is 'async,x'; it must list some of async, batch, lambda"):
        read_all(GIVEN | {"ENGINES": "async,x"})


def test_spaces_between_instance_types_are_ignored() -> None:
    given = GIVEN | {"BATCH_INSTANCE_TYPES": "ml.c5.large, ml.m5.large"}

    assert Settings(given).policy.instance_types == ("ml.c5.large", "ml.m5.large")


@pytest.mark.parametrize("name", sorted(set(GIVEN) - OPTIONAL))
@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_missing_is_named(name: str, value: str | None) -> None:
    lacking = {key: text for key, text in GIVEN.items() if key != name} | ({} if value is None else {name: value})

    with pytest.raises(SettingError, match=f"The environment variable {name} is missing; template.yaml sets it"):
        read_all(lacking)


NUMBERS = [
    "AUDIT_SHARE",
    "BATCH_INSTANCES",
    "BATCH_THRESHOLD",
    "JOB_TIMEOUT",
    "LAMBDA_THRESHOLD",
    "DISCREPANCY_RATE",
    "MATCH_RISK",
    "MAX_ATTEMPTS",
    "MAX_REQUESTS",
    "MAX_TRANSFORM_JOBS",
    "MICRO_BATCH_SIZE",
    "RETRY_DELAY",
    "SWEEP_AFTER",
    "VARIANCE_THRESHOLD",
]


@pytest.mark.parametrize("name", NUMBERS)
def test_a_variable_that_is_not_a_number_is_named(name: str) -> None:
    with pytest.raises(SettingError, match=f"The environment variable {name} is not a number: 'many'"):
        read_all(GIVEN | {name: "many"})


def test_steps_that_are_no_shares_are_named() -> None:
    with pytest.raises(SettingError, match=r"The environment variable DISCREPANCY_STEPS: '0.7,0.7' are not shares"):
        read_all(GIVEN | {"DISCREPANCY_STEPS": "0.7,0.7"})
