from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from bintally.domain.jobs import EngineName
from bintally.domain.policy import (
    ATTEMPTS_PER_TYPE,
    INVOCATION_TIMEOUT,
    MAX_DELAY,
    InferenceMode,
    Policy,
    backoff,
    engine_for,
    instance_type,
    lacks_capacity,
    manifest_size,
    max_jobs,
    retry_at,
    timeout_of,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.functions.examples import NOW
from tests.unit.functions.usecases.runs import POLICY

ASYNC, BATCH, LAMBDA, AUTO = (replace(POLICY, mode=mode) for mode in InferenceMode)
# All that template.yaml lets an operator choose.
policies = st.builds(
    replace,
    st.just(POLICY),
    mode=st.sampled_from(InferenceMode),
    engines=st.sets(st.sampled_from(EngineName), min_size=1),
    lambda_threshold=st.integers(0, 1_000_000),
    batch_threshold=st.integers(1, 1_000_000),
    micro_batch=st.integers(1, 1000),
    max_attempts=st.integers(1, 10),
    retry_delay=st.integers(1, 3600).map(lambda seconds: timedelta(seconds=seconds)),
)
times = st.integers(0, 10**6)


# ---- Which engine


@pytest.mark.parametrize("pending", [0, 1, 9, 10, 1_000_000])
def test_an_operator_who_named_an_engine_gets_it(pending: int) -> None:
    assert engine_for(ASYNC, pending) is EngineName.ASYNC
    assert engine_for(BATCH, pending) is EngineName.BATCH
    assert engine_for(LAMBDA, pending) is EngineName.LAMBDA


@pytest.mark.parametrize(
    ("pending", "engine"),
    [(0, EngineName.ASYNC), (9, EngineName.ASYNC), (10, EngineName.BATCH), (11, EngineName.BATCH)],
)
def test_auto_takes_the_batch_engine_from_the_threshold_on(pending: int, engine: EngineName) -> None:
    assert engine_for(AUTO, pending) is engine


@pytest.mark.parametrize(
    ("pending", "engine"),
    [
        (0, EngineName.LAMBDA),
        (3, EngineName.LAMBDA),
        (4, EngineName.ASYNC),
        (9, EngineName.ASYNC),
        (10, EngineName.BATCH),
    ],
)
def test_auto_takes_the_model_function_below_its_threshold(pending: int, engine: EngineName) -> None:
    assert engine_for(replace(AUTO, lambda_threshold=4), pending) is engine


def test_a_flood_goes_to_transform_jobs_however_high_the_functions_threshold_is() -> None:
    assert engine_for(replace(AUTO, lambda_threshold=1_000), 10) is EngineName.BATCH


@pytest.mark.parametrize("pending", [0, 5, 1_000_000])
def test_without_an_endpoint_the_function_counts_everything(pending: int) -> None:
    """Also where its threshold is 0: nothing else can count."""
    assert engine_for(replace(AUTO, engines={EngineName.LAMBDA}), pending) is EngineName.LAMBDA


ORDER = (EngineName.LAMBDA, EngineName.ASYNC, EngineName.BATCH)


@given(policies, times, times)
def test_more_images_never_go_back_to_an_engine_for_fewer(policy: Policy, some: int, other: int) -> None:
    fewer, more = (ORDER.index(engine_for(policy, number)) for number in sorted((some, other)))

    assert fewer <= more


@given(policies, times)
def test_auto_never_chooses_an_engine_that_the_stack_lacks(policy: Policy, pending: int) -> None:
    assert engine_for(replace(policy, mode=InferenceMode.AUTO), pending) in policy.engines


def test_each_engine_has_a_limit_of_its_own() -> None:
    policy = replace(POLICY, max_requests=5, max_transform_jobs=2, max_invocations=3)

    assert [max_jobs(policy, engine) for engine in EngineName] == [5, 2, 3]


def test_an_invocation_without_a_result_fails_as_soon_as_lambda_has_dropped_it() -> None:
    policy = replace(POLICY, job_timeout=timedelta(hours=7))

    assert timeout_of(policy, EngineName.ASYNC) == timeout_of(policy, EngineName.BATCH) == timedelta(hours=7)
    assert timeout_of(policy, EngineName.LAMBDA) == INVOCATION_TIMEOUT
    assert timeout_of(replace(policy, job_timeout=timedelta(minutes=5)), EngineName.LAMBDA) == timedelta(minutes=5)


# ---- How many share a manifest


@pytest.mark.parametrize(
    ("most", "attempts", "sizes"),
    [
        (500, 3, [500, 22, 1]),
        (600, 4, [600, 71, 8, 1]),
        (500, 1, [500]),
        (500, 2, [500, 1]),
        (2, 3, [2, 1, 1]),
        (1, 3, [1, 1, 1]),
    ],
)
def test_images_are_parted_in_equal_ratios_until_each_is_alone(most: int, attempts: int, sizes: list[int]) -> None:
    policy = replace(POLICY, micro_batch=most, max_attempts=attempts)

    assert [manifest_size(policy, tried) for tried in range(attempts)] == sizes


@given(policies, st.integers(-5, 50))
def test_a_manifest_holds_at_least_one_and_never_more_after_more_attempts(policy: Policy, tried: int) -> None:
    size = manifest_size(policy, tried)

    assert 1 <= size <= policy.micro_batch
    assert manifest_size(policy, tried + 1) <= size


@given(policies)
def test_from_a_full_manifest_at_first_to_one_image_at_last(policy: Policy) -> None:
    """A single attempt is the first one: its manifest is full."""
    assert manifest_size(policy, 0) == policy.micro_batch
    assert manifest_size(policy, max(policy.max_attempts - 1, 1)) == 1
    assert manifest_size(policy, policy.max_attempts) == 1


# ---- When


@pytest.mark.parametrize(("tried", "minutes"), [(0, 1), (1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (999, 60)])
def test_each_attempt_waits_twice_as_long_up_to_an_hour(tried: int, minutes: int) -> None:
    assert retry_at(POLICY, tried, NOW) == NOW + timedelta(minutes=minutes)


@given(policies, times, times)
def test_a_delay_is_at_least_what_the_operator_set_at_most_an_hour_and_never_shrinks(
    policy: Policy, some: int, other: int
) -> None:
    earlier, later = (backoff(policy, number) for number in sorted((some, other)))

    assert policy.retry_delay <= earlier <= later <= MAX_DELAY


# ---- Capacity


@pytest.mark.parametrize(
    ("reason", "lacks"),
    [
        ("CapacityError: Unable to provision requested ML compute capacity.", True),
        ("CapacityError", True),
        ("InsufficientInstanceCapacity: Please retry after some time.", True),
        ("Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.", True),
        ("ResourceLimitExceeded: The account-level service limit is 0 Instances.", False),
        ("", False),
        ("AlgorithmError: CapacityError in the container", False),
        ("ClientError: See job logs for more information", False),
        ("InternalServerError: We encountered an internal error.", False),
    ],
)
def test_only_sagemakers_own_word_is_a_lack_of_capacity(reason: str, lacks: bool) -> None:
    assert lacks_capacity(reason) is lacks


def test_each_instance_type_is_tried_three_times_before_the_next() -> None:
    asked = [instance_type(("a", "b"), transform_attempt) for transform_attempt in range(2 * ATTEMPTS_PER_TYPE + 2)]

    assert asked == ["a", "a", "a", "b", "b", "b", None, None]


@given(st.lists(st.text(min_size=1, max_size=3), max_size=4), times)
def test_instance_types_are_tried_in_order_until_none_is_left(types: list[str], transform_attempt: int) -> None:
    assert (instance_type(types, transform_attempt) is None) == (transform_attempt >= len(types) * ATTEMPTS_PER_TYPE)
