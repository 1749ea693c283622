"""The arithmetic, by hand, on round prices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from bincli.cost.calculator import Site, compute, month, people_time, total
from bincli.cost.prices import Prices, read_prices
from bincli.cost.usage import read_usage
from bintally.domain.jobs import EngineName
from hypothesis import given
from hypothesis import strategies as st

PRICES = Prices(
    {
        "sagemaker": {"instance_hour": {"ml.test": 2.0}},
        "dynamodb": {"million_write_units": 1, "million_read_units": 2, "gb_month": 3, "recovery_gb_month": 1},
        "s3": {"million_puts": 5, "million_gets": 1, "gb_month": 0.5},
        "lambda": {"million_requests": 1, "gb_second": 0.001},
        "sqs": {"million_requests": 1},
        "sns": {"million_publishes": 1},
        "eventbridge": {"million_events": 1, "million_schedules": 1},
        "cloudwatch": {"log_gb": 1, "log_gb_month": 1, "alarm_month": 1, "dashboard_month": 3, "metric_month": 1},
        "kms": {"key_month": 1},
        "ecr": {"gb_month": 1},
        "xray": {"million_traces": 1},
        "apigateway": {"million_requests": 1},
        "cognito": {"user_month": 0.5},
    }
)
USAGE: dict[str, Any] = {
    "image": {
        "async": {"write_units": 3, "index_units": 1, "read_units": 1, "events": 1},
        "lambda": {"write_units": 3, "index_units": 1, "read_units": 1, "events": 1},
        "batch": {"write_units": 5, "index_units": 3, "read_units": 2, "events": 1},
    },
    "line": {"write_units": 2, "read_units": 1},
    "idle_minute": {"read_units": 10},
    "assumed": {
        "lambda_ms": 10,
        "lambda_gb": 1,
        "log_kb": 1,
        "item_kb": 1,
        "model_gb": 3,
        "model_images_per_second": 10,
        "model_invocations": 5,
        "traces": 0.5,
        "sqs_requests": 2,
        "idle_polls_a_minute": 5,
        "idle_runs_a_minute": 2,
        "start_seconds": 300,
        "idle_seconds": 900,
        "alarms": 30,
        "dashboards": 1,
        "keys": 1,
        "metrics": 2,
        "image_gb": 1,
        "desk_requests": 2,
        "desk_polls": 100_000,
        "desk_read_units": 10,
        "desk_write_units": 5,
        "desk_ms": 100,
    },
}
SITE = Site(10_000, EngineName.ASYNC, "ml.test", deliveries=1, images_per_second=100, retried=0)
ASSUMED = USAGE["assumed"]


def items(site: Site) -> dict[str, float]:
    return {item.name: item.dollars for item in month(site, PRICES, USAGE)}


def test_an_endpoint_is_paid_while_it_starts_counts_and_idles() -> None:
    """10,000 images take 100 s, and two instances 300 s to start and 900 s to go: 2,500 s a day."""
    assert compute(SITE, ASSUMED).hours == pytest.approx(2_500 * 30 / 3600)
    assert items(SITE)["SageMaker endpoint"] == pytest.approx(2_500 * 30 / 3600 * 2)


def test_a_small_delivery_wakes_one_instance() -> None:
    """100 images take 1 s, and one instance 1,200 s."""
    assert compute(replace(SITE, images_a_day=100), ASSUMED).hours == pytest.approx(1_201 * 30 / 3600)


def test_an_endpoint_that_is_always_needed_is_paid_for_the_whole_day() -> None:
    """A delivery every 2 minutes: one instance never gets to idle for 15."""
    busy = replace(SITE, images_a_day=72_000, deliveries=720)

    assert compute(busy, ASSUMED).hours == pytest.approx(24 * 30)


def test_a_transform_job_is_paid_while_it_starts_and_counts() -> None:
    """25,000 images are three jobs: two instances each, 300 s to start, and 250 s to count."""
    site = replace(SITE, engine=EngineName.BATCH, images_a_day=25_000)

    assert compute(site, ASSUMED).hours == pytest.approx((6 * 300 + 250) * 30 / 3600)


def test_a_job_of_one_manifest_starts_one_instance() -> None:
    site = replace(SITE, engine=EngineName.BATCH, images_a_day=500)

    assert compute(site, ASSUMED).hours == pytest.approx((300 + 5) * 30 / 3600)


def test_what_is_counted_twice_is_paid_twice() -> None:
    once, twice = items(SITE), items(replace(SITE, retried=1))

    assert twice["EventBridge events"] == 2 * once["EventBridge events"]
    assert compute(replace(SITE, retried=1), ASSUMED).hours == pytest.approx(2_600 * 30 / 3600)


def test_more_than_the_instances_can_count_does_not_fit() -> None:
    assert compute(replace(SITE, images_a_day=17_280_000), ASSUMED).fits
    assert not compute(replace(SITE, images_a_day=17_280_001), ASSUMED).fits


def test_the_services_by_hand() -> None:
    """300,000 images a month, and as many order lines."""
    found = items(SITE)

    assert found["DynamoDB writes"] == pytest.approx(0.3 * (4 + 2) * 1)
    assert found["DynamoDB reads"] == pytest.approx(0.3 * (1 + 1) * 2)
    assert found["DynamoDB reads of the schedule"] == pytest.approx(43_200 * 10 / 1e6 * 2)
    assert found["DynamoDB storage and recovery"] == pytest.approx(0.3 * 12 * 4)
    assert found["S3 requests"] == pytest.approx(0.3 * (5 + 1))
    assert found["S3 storage"] == pytest.approx(0.3 * 12 * 50 * 0.5)
    assert found["SQS"] == pytest.approx(0.6)
    assert found["SQS polling"] == pytest.approx(0.216)
    assert found["SNS"] == pytest.approx(0.3 / 500)
    assert found["EventBridge events"] == pytest.approx(0.3)
    assert found["Lambda"] == pytest.approx(600_000 * 0.01 * 0.001)
    assert found["Schedules"] == pytest.approx(0.0864 * 2 + 86_400 * 0.001)
    assert found["CloudWatch logs"] == pytest.approx(0.6 * 2)
    assert found["X-Ray traces"] == pytest.approx(0.15)
    assert (found["CloudWatch alarms"], found["CloudWatch metrics"], found["CloudWatch dashboard"]) == (30, 2, 3)
    assert (found["KMS key"], found["Container in ECR"]) == (1, 1)


def test_the_desk_by_hand() -> None:
    """270,000 looks of two requests, 10 reads at 2 and 5 writes at 1 a million; 5 users; 100,000 polls."""
    found, request = items(replace(SITE, looked_at=0.9)), 2 / 1e6 + 0.0001
    assert found["Desk: looks"] == pytest.approx(270_000 * (2 * request + (10 * 2 + 5) / 1e6))
    assert found["Desk: users, Today"] == pytest.approx(5 * 0.5 + 100_000 * request)
    without = items(replace(SITE, people=0))
    assert (without["Desk: looks"], without["Desk: users, Today"]) == (0, 0)


def test_peoples_time_is_lines_times_seconds_times_wage() -> None:
    """300,000 lines, half of them reviewed for 12 s, at 30 USD an hour: 500 hours."""
    assert people_time(replace(SITE, looked_at=0.5, look_seconds=12, wage=30)) == pytest.approx(500 * 30)


@pytest.mark.parametrize("engine", EngineName)
def test_a_stack_without_images_costs_its_fixed_part(engine: EngineName) -> None:
    bill = month(replace(SITE, engine=engine, images_a_day=0), PRICES, USAGE)

    assert total(bill) == pytest.approx(sum(item.dollars for item in bill if item.is_fixed))


@given(st.sampled_from(EngineName), st.integers(0, 10**7), st.integers(1, 10**6), st.integers(1, 100))
def test_more_photos_never_cost_less(engine: EngineName, number: int, more: int, deliveries: int) -> None:
    prices, usage = read_prices(), read_usage()
    site = Site(number, engine, "ml.c6i.xlarge", deliveries=deliveries)

    assert total(month(site, prices, usage)) <= total(month(replace(site, images_a_day=number + more), prices, usage))
