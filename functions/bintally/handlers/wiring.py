"""The collaborators of the use cases, built on the first event and kept."""

from __future__ import annotations

from functools import cache

from bintally.adapters.async_engine import AsyncEngine
from bintally.adapters.batch_engine import BatchEngine
from bintally.adapters.bins import DynamoBins
from bintally.adapters.clients import client
from bintally.adapters.consignments import DynamoOrders
from bintally.adapters.events import EventBus
from bintally.adapters.job_files import JobFiles
from bintally.adapters.jobs import DynamoJobs
from bintally.adapters.key_patterns import FindBin, finder_of
from bintally.adapters.ledger import DynamoLedger
from bintally.adapters.order_files import ImportReports, OrderFiles, OrderQueue
from bintally.domain.jobs import EngineName
from bintally.handlers.settings import MissingSettingError, settings
from bintally.usecases.collect import Collaborators
from bintally.usecases.ports import Engines


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
def engines() -> Engines:
    files, policy = JobFiles(client("s3"), settings().jobs_bucket), settings().policy
    batch = BatchEngine(
        files,
        client("sagemaker"),
        model=settings().model_name,
        instance_types=policy.instance_types,
        instances=settings().batch_instances,
    )
    runtime = AsyncEngine(files, client("sagemaker-runtime"), endpoint=settings().endpoint_name)
    return {EngineName.ASYNC: runtime, EngineName.BATCH: batch}


@cache
def find_bin() -> FindBin:
    """Raises MissingSettingError."""
    try:
        return finder_of(settings().key_pattern)
    except ValueError as error:
        raise MissingSettingError(f"The environment variable KEY_PATTERN: {error}") from error


@cache
def world() -> Collaborators:
    return Collaborators(jobs(), engines(), ledger(), bins(), events())


@cache
def order_files() -> OrderFiles:
    return OrderFiles(client("s3"))


@cache
def order_queue() -> OrderQueue:
    return OrderQueue(client("sqs"), settings().orders_queue)


@cache
def reports() -> ImportReports:
    return ImportReports(client("s3"), bucket=settings().jobs_bucket)


@cache
def events() -> EventBus:
    return EventBus(client("events"))
