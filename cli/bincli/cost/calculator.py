"""What a site costs a month: arithmetic on prices and usage, without any I/O."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bintally.domain.jobs import EngineName

from bincli.cost.prices import Prices

DAYS = 30
MINUTES = DAYS * 24 * 60
DAY_SECONDS = 86_400
MILLION = 1e6
BATCH_JOB = 10_000  # the most images of a transform job (MAX_JOB_IMAGES)
MICRO_BATCH = 500  # images of a manifest (MicroBatchSize)
BACKLOG = 4  # manifests for each instance before the endpoint scales out


@dataclass(frozen=True)
class Site:
    """What happens at a site.

    The images of a day arrive in `deliveries` that are spread over the day, each all at once. `retried` is the share of
    images that are counted twice. A person looks at the share `looked_at` of the order lines:
    one of `people` with a user at the desk.
    """

    images_a_day: int
    engine: EngineName
    instance: str
    instances: int = 2
    deliveries: int = 8
    images_per_second: float = 72.0
    photo_kb: float = 50.0
    months_kept: float = 12.0
    lines_per_image: float = 1.0
    retried: float = 0.01
    looked_at: float = 0.9
    look_seconds: float = 15.0
    wage: float = 25.0
    people: int = 5

    @property
    def images(self) -> int:
        """In a month."""
        return self.images_a_day * DAYS

    @property
    def lines(self) -> float:
        return self.images * self.lines_per_image


@dataclass(frozen=True)
class Item:
    """One position of the month's bill, in US dollars. `is_fixed`: it is paid without a single image."""

    name: str
    dollars: float
    is_fixed: bool = False


@dataclass(frozen=True)
class Compute:
    """Hours of instances, or of the model function, in a month. `fits` is false if they can't count what arrives."""

    hours: float
    fits: bool


def compute(site: Site, assumed: Mapping[str, float]) -> Compute:
    """Instance hours: counting, and the time that an instance is paid for without counting."""
    delivery = math.ceil(site.images_a_day / site.deliveries)
    if not delivery:
        return Compute(0.0, fits=True)
    attempts = delivery * (1 + site.retried)
    if site.engine is EngineName.LAMBDA:
        seconds = site.deliveries * attempts / assumed["model_images_per_second"]
        return Compute(seconds * DAYS / 3600, seconds <= DAY_SECONDS * assumed["model_invocations"])
    counting = attempts / site.images_per_second
    if site.engine is EngineName.BATCH:
        seconds = site.deliveries * (counting + assumed["start_seconds"] * _batch_instances(site, delivery))
        return Compute(seconds * DAYS / 3600, counting * site.deliveries <= DAY_SECONDS * site.instances)
    used = min(site.instances, math.ceil(delivery / (MICRO_BATCH * BACKLOG)))
    seconds = site.deliveries * (counting + used * (assumed["start_seconds"] + assumed["idle_seconds"]))
    # Deliveries that follow one another closely find the instances still there.
    seconds = min(seconds, max(used * DAY_SECONDS, counting * site.deliveries))
    return Compute(seconds * DAYS / 3600, counting * site.deliveries <= DAY_SECONDS * site.instances)


def _batch_instances(site: Site, delivery: int) -> int:
    """How many instances start for a delivery: each transform job has its own."""
    jobs, rest = divmod(delivery, BATCH_JOB)
    started = jobs * min(site.instances, BATCH_JOB // MICRO_BATCH)
    return started + min(site.instances, math.ceil(rest / MICRO_BATCH))


def month(site: Site, prices: Prices, usage: Mapping[str, Any]) -> list[Item]:
    """The bill of a month, except for people's time."""
    assumed: Mapping[str, float] = usage["assumed"]
    return [
        _model(site, prices, assumed),
        *_tables(site, prices, usage),
        *_buckets(site, prices, usage),
        *_messages(site, prices, usage),
        *_watching(site, prices, assumed),
        *_desk(site, prices, assumed),
        Item("KMS key", assumed["keys"] * prices.of("kms", "key_month"), is_fixed=True),
        Item("Container in ECR", assumed["image_gb"] * prices.of("ecr", "gb_month"), is_fixed=True),
    ]


def _model(site: Site, prices: Prices, assumed: Mapping[str, float]) -> Item:
    hours = compute(site, assumed).hours
    if site.engine is EngineName.LAMBDA:
        return Item("Model function", hours * 3600 * assumed["model_gb"] * prices.of("lambda", "gb_second"))
    name = "endpoint" if site.engine is EngineName.ASYNC else "transform jobs"
    return Item(f"SageMaker {name}", hours * prices.instance_hour(site.instance))


def _amount(site: Site, usage: Mapping[str, Any], kind: str) -> float:
    """How many of `kind` the images and the order lines of a month take."""
    image = usage["image"][str(site.engine)].get(kind, 0.0) * site.images * (1 + site.retried)
    return float(image + usage["line"].get(kind, 0.0) * site.lines)


def _tables(site: Site, prices: Prices, usage: Mapping[str, Any]) -> Iterator[Item]:
    writes = _amount(site, usage, "write_units") + _amount(site, usage, "index_units")
    yield Item("DynamoDB writes", writes / MILLION * prices.of("dynamodb", "million_write_units"))
    read = prices.of("dynamodb", "million_read_units") / MILLION
    yield Item("DynamoDB reads", _amount(site, usage, "read_units") * read)
    idle = usage["idle_minute"]["read_units"] * MINUTES
    yield Item("DynamoDB reads of the schedule", idle * read, is_fixed=True)
    stored = site.images * site.months_kept * usage["assumed"]["item_kb"] / 1e6
    gb = prices.of("dynamodb", "gb_month") + prices.of("dynamodb", "recovery_gb_month")
    yield Item("DynamoDB storage and recovery", stored * gb)


def _buckets(site: Site, prices: Prices, usage: Mapping[str, Any]) -> Iterator[Item]:
    uploads, downloads = site.images, site.images * (1 + site.retried)
    puts, gets = uploads + _amount(site, usage, "puts"), downloads + _amount(site, usage, "gets")
    dollars = puts * prices.of("s3", "million_puts") + gets * prices.of("s3", "million_gets")
    yield Item("S3 requests", dollars / MILLION)
    stored = site.images * site.months_kept * site.photo_kb / 1e6
    yield Item("S3 storage", stored * prices.of("s3", "gb_month"))


def _messages(site: Site, prices: Prices, usage: Mapping[str, Any]) -> Iterator[Item]:
    assumed: Mapping[str, float] = usage["assumed"]
    attempts = site.images * (1 + site.retried)
    queue = prices.of("sqs", "million_requests") / MILLION
    yield Item("SQS", attempts * assumed["sqs_requests"] * queue)
    yield Item("SQS polling", assumed["idle_polls_a_minute"] * MINUTES * queue, is_fixed=True)
    yield Item("SNS", attempts / MICRO_BATCH / MILLION * prices.of("sns", "million_publishes"))
    yield Item(
        "EventBridge events", _amount(site, usage, "events") / MILLION * prices.of("eventbridge", "million_events")
    )
    runs = assumed["idle_runs_a_minute"] * MINUTES / MILLION
    second = prices.of("lambda", "gb_second") * assumed["lambda_gb"]
    yield Item("Lambda", (attempts + site.lines) * assumed["lambda_ms"] / 1000 * second)
    idle = runs * (prices.of("eventbridge", "million_schedules") + prices.of("lambda", "million_requests"))
    yield Item("Schedules", idle + runs * MILLION * second, is_fixed=True)


def _watching(site: Site, prices: Prices, assumed: Mapping[str, float]) -> Iterator[Item]:
    logs = (site.images + site.lines) * assumed["log_kb"] / 1e6
    yield Item("CloudWatch logs", logs * (prices.of("cloudwatch", "log_gb") + prices.of("cloudwatch", "log_gb_month")))
    traces = site.images * assumed["traces"] / MILLION
    yield Item("X-Ray traces", traces * prices.of("xray", "million_traces"))
    yield Item("CloudWatch alarms", assumed["alarms"] * prices.of("cloudwatch", "alarm_month"), is_fixed=True)
    yield Item("CloudWatch metrics", assumed["metrics"] * prices.of("cloudwatch", "metric_month"), is_fixed=True)
    yield Item(
        "CloudWatch dashboard", assumed["dashboards"] * prices.of("cloudwatch", "dashboard_month"), is_fixed=True
    )


def _desk(site: Site, prices: Prices, assumed: Mapping[str, float]) -> Iterator[Item]:
    """The desk: its users, a page that asks for the day's figures while it is open, and what each look takes."""
    second = prices.of("lambda", "gb_second") * assumed["desk_ms"] / 1000  # the function has 1 GB
    request = (prices.of("apigateway", "million_requests") + prices.of("lambda", "million_requests")) / MILLION + second
    units = assumed["desk_write_units"] * prices.of("dynamodb", "million_write_units")
    units += assumed["desk_read_units"] * prices.of("dynamodb", "million_read_units")
    look = assumed["desk_requests"] * request + units / MILLION
    yield Item("Desk: looks", site.lines * site.looked_at * look if site.people else 0.0)
    users = site.people * prices.of("cognito", "user_month")
    yield Item("Desk: users, Today", users + (assumed["desk_polls"] * request if site.people else 0.0), is_fixed=True)


def people_time(site: Site) -> float:
    """What it costs a month that people look at the order lines that the model is unsure about."""
    return site.lines * site.looked_at * site.look_seconds / 3600 * site.wage


def total(items: list[Item]) -> float:
    return sum(item.dollars for item in items)
