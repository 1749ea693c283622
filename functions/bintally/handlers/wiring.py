"""The collaborators of the use cases, built on the first event and kept."""

from __future__ import annotations

from functools import cache

from bintally.adapters.async_engine import AsyncEngine
from bintally.adapters.bins import DynamoBins
from bintally.adapters.clients import client
from bintally.adapters.consignments import DynamoOrders
from bintally.adapters.events import EventBus
from bintally.adapters.jobs import DynamoJobs
from bintally.adapters.ledger import DynamoLedger
from bintally.adapters.order_files import ImportReports, OrderFiles
from bintally.handlers.settings import settings


@cache
def ledger() -> DynamoLedger:
    return DynamoLedger(client("dynamodb"), settings().images_table)


@cache
def bins() -> DynamoBins:
    return DynamoBins(client("dynamodb"), settings().bins_table)


@cache
def jobs() -> DynamoJobs:
    return DynamoJobs(client("dynamodb"), settings().jobs_table)


@cache
def orders() -> DynamoOrders:
    return DynamoOrders(client("dynamodb"), settings().consignments_table)


@cache
def engine() -> AsyncEngine:
    buckets, endpoint = settings().jobs_bucket, settings().endpoint_name
    return AsyncEngine(client("s3"), client("sagemaker-runtime"), bucket=buckets, endpoint=endpoint)


@cache
def order_files() -> OrderFiles:
    return OrderFiles(client("s3"))


@cache
def reports() -> ImportReports:
    return ImportReports(client("s3"), bucket=settings().jobs_bucket)


@cache
def events() -> EventBus:
    return EventBus(client("events"))
