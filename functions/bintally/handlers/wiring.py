"""What the functions depend on, built on the first event and kept for the next ones."""

from __future__ import annotations

from functools import cache, cached_property

from bintally.adapters.async_engine import AsyncEngine
from bintally.adapters.batch_engine import BatchEngine
from bintally.adapters.bins import DynamoBins
from bintally.adapters.catalogues import ItemCatalogue
from bintally.adapters.checks import DynamoChecks
from bintally.adapters.clients import client
from bintally.adapters.consignments import DynamoOrders
from bintally.adapters.decisions import DynamoDecisions
from bintally.adapters.events import EventBus
from bintally.adapters.intake_queue import IntakeQueue
from bintally.adapters.job_files import JobFiles
from bintally.adapters.jobs import DynamoJobs
from bintally.adapters.key_patterns import FindBin, finder_of
from bintally.adapters.lambda_engine import LambdaEngine
from bintally.adapters.leases import DynamoLeases
from bintally.adapters.ledger import DynamoLedger
from bintally.adapters.order_files import ImportReports, OrderFiles, OrderQueue
from bintally.adapters.photos import Photos
from bintally.adapters.site_settings import SsmSettings
from bintally.adapters.uploads import Uploads
from bintally.domain.errors import SettingError
from bintally.domain.jobs import EngineName
from bintally.handlers.settings import settings


class AwsDependencies:
    """`usecases.ports.Dependencies` on AWS, and what only the handlers use.

    Each is built on first use, so a missing setting fails only the functions that need it.
    """

    @cached_property
    def ledger(self) -> DynamoLedger:
        return DynamoLedger(client("dynamodb"), settings().images_table)

    @cached_property
    def bins(self) -> DynamoBins:
        return DynamoBins(client("dynamodb"), settings().bins_table)

    @cached_property
    def jobs(self) -> DynamoJobs:
        return DynamoJobs(client("dynamodb"), settings().jobs_table)

    @cached_property
    def orders(self) -> DynamoOrders:
        return DynamoOrders(client("dynamodb"), settings().consignments_table)

    @cached_property
    def decisions(self) -> DynamoDecisions:
        return DynamoDecisions(client("dynamodb"), settings().decisions_table, settings().bins_table)

    @cached_property
    def checks(self) -> DynamoChecks:
        return DynamoChecks(client("dynamodb"), settings().checks_table)

    @cached_property
    def leases(self) -> DynamoLeases:
        return DynamoLeases(client("dynamodb"), settings().leases_table)

    @cached_property
    def photos(self) -> Photos:
        return Photos(client("s3"), settings().intake_bucket)

    @cached_property
    def uploads(self) -> Uploads:
        return Uploads(client("s3"), settings().intake_bucket, settings().orders_bucket)

    @cached_property
    def reports(self) -> ImportReports:
        return ImportReports(client("s3"), bucket=settings().jobs_bucket)

    @cached_property
    def catalogue(self) -> ItemCatalogue:
        return ItemCatalogue(client("s3"), bucket=settings().orders_bucket, reports_bucket=settings().jobs_bucket)

    @cached_property
    def events(self) -> EventBus:
        return EventBus(client("events"))

    def engine(self, name: EngineName) -> AsyncEngine | BatchEngine | LambdaEngine:
        match name:
            case EngineName.ASYNC:
                return self._async_engine
            case EngineName.BATCH:
                return self._batch_engine
            case EngineName.LAMBDA:
                return self._lambda_engine

    @cached_property
    def intake_queue(self) -> IntakeQueue:
        return IntakeQueue(client("sqs"), settings().intake_queue)

    @cached_property
    def site_settings(self) -> SsmSettings:
        return SsmSettings(client("ssm"), settings().settings_parameter)

    @cached_property
    def order_files(self) -> OrderFiles:
        return OrderFiles(client("s3"))

    @cached_property
    def order_queue(self) -> OrderQueue:
        return OrderQueue(client("sqs"), settings().orders_queue)

    @cached_property
    def _job_files(self) -> JobFiles:
        return JobFiles(client("s3"), settings().jobs_bucket)

    @cached_property
    def _async_engine(self) -> AsyncEngine:
        return AsyncEngine(self._job_files, client("sagemaker-runtime"), endpoint=settings().endpoint_name)

    @cached_property
    def _batch_engine(self) -> BatchEngine:
        return BatchEngine(
            self._job_files,
            client("sagemaker"),
            model=settings().model_name,
            instance_types=settings().policy.instance_types,
            instances=settings().batch_instances,
        )

    @cached_property
    def _lambda_engine(self) -> LambdaEngine:
        return LambdaEngine(self._job_files, client("lambda"), function=settings().model_function)


@cache
def dependencies() -> AwsDependencies:
    return AwsDependencies()


@cache
def find_bin() -> FindBin:
    """The function that finds the bin in a key, as KEY_PATTERN says. Raises SettingError."""
    try:
        return finder_of(settings().key_pattern)
    except ValueError as error:
        raise SettingError(f"The environment variable KEY_PATTERN: {error}") from error
