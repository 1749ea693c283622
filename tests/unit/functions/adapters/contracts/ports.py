"""The adapters as a set of ports, beside the fakes, and what is read back from either."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from bintally.adapters.async_engine import AsyncEngine
from bintally.adapters.batch_engine import BatchEngine
from bintally.adapters.bins import DynamoBins
from bintally.adapters.checks import DynamoChecks
from bintally.adapters.consignments import DynamoOrders
from bintally.adapters.decisions import DynamoDecisions
from bintally.adapters.job_files import JobFiles
from bintally.adapters.jobs import DynamoJobs
from bintally.adapters.lambda_engine import LambdaEngine
from bintally.adapters.leases import DynamoLeases
from bintally.adapters.ledger import DynamoLedger
from bintally.adapters.order_files import ImportReports
from bintally.domain.image import Image, LedgerEntry, Status
from bintally.domain.jobs import EngineName, Job, job_of
from bintally.domain.manifest import Prediction, Result
from bintally.domain.transitions import Completion
from bintally.domain.verdicts import Finding, OrderLine, Verdict

from tests.unit.functions.adapters.stubs import StubClient, client_error
from tests.unit.functions.aws import client, table
from tests.unit.functions.examples import (
    MODEL,
    SURE_OF_3,
    make_images,
)
from tests.unit.functions.usecases.runs import first_job_of

IMAGES = make_images(3)
JOB = first_job_of(IMAGES)
INVOCATION = job_of([(image.image_id, 0) for image in IMAGES], EngineName.LAMBDA)
BATCH = job_of([(image.image_id, 0) for image in IMAGES], EngineName.BATCH, 2)
ANSWER = Prediction(3, 0.9, SURE_OF_3, MODEL)
RECEIPT = {"output_location": "s3://jobs/out", "failure_location": "s3://jobs/failure"}
MATCH = Finding(Verdict.MATCH, "As expected.", 3)


class SageMaker:
    """Accepts jobs like the fake engines: none while `down`; while `full`, it has no capacity."""

    def __init__(self) -> None:
        self.down = self.full = False
        self.transforms: dict[str, dict[str, str]] = {}
        self.client = StubClient(
            "sagemaker",
            invoke_endpoint_async=self._invoke,
            create_transform_job=self._create,
            describe_transform_job=self._describe,
        )
        self.functions = StubClient("lambda", invoke=self._run)

    def _invoke(self, InferenceId: str, **_: Any) -> Any:  # noqa: N803
        self._available()
        folder = f"s3://{table('JobsBucket')}/async"
        output, failure = f"{folder}/output/{InferenceId}.out", f"{folder}/failure/{InferenceId}-error.out"
        return {"OutputLocation": output, "FailureLocation": failure}

    def _run(self, **_: Any) -> Any:
        self._available()
        return {"StatusCode": 202}

    def _create(self, TransformJobName: str, **_: Any) -> Any:  # noqa: N803
        self._available()
        self.transforms[TransformJobName] = {"TransformJobStatus": "InProgress"}
        return {"TransformJobArn": "arn"}

    def _describe(self, TransformJobName: str) -> Any:  # noqa: N803
        return self.transforms[TransformJobName]

    def _available(self) -> None:
        if self.full:
            raise client_error("ResourceLimitExceeded")
        if self.down:
            raise client_error("ServiceUnavailable")


def adapters() -> Any:
    dynamodb, s3 = client("dynamodb"), client("s3")
    jobs, sagemaker = table("JobsBucket"), SageMaker()
    files = JobFiles(s3, jobs)
    batch = {"model": "bintally-counter", "instance_types": ("ml.c6i.xlarge",), "instances": 2}
    return SimpleNamespace(
        ledger=DynamoLedger(dynamodb, table("ImagesTable")),
        bins=DynamoBins(dynamodb, table("BinsTable")),
        decisions=DynamoDecisions(dynamodb, table("DecisionsTable"), table("BinsTable")),
        leases=DynamoLeases(dynamodb, table("LeasesTable")),
        checks=DynamoChecks(dynamodb, table("ChecksTable")),
        jobs=DynamoJobs(dynamodb, table("JobsTable")),
        orders=DynamoOrders(dynamodb, table("ConsignmentsTable")),
        async_engine=AsyncEngine(files, sagemaker.client, endpoint="bintally-counter"),
        batch_engine=BatchEngine(files, sagemaker.client, **batch),
        lambda_engine=LambdaEngine(files, sagemaker.functions, function="bintally-model"),
        reports=ImportReports(s3, bucket=jobs),
        sagemaker=sagemaker,
    )


def completion(image: Image, status: Status, reason: str = "", answer: Result | None = None) -> Completion:
    return Completion(image.image_id, status, reason, answer)


def entries(ports: Any, images: list[Image] = IMAGES) -> list[LedgerEntry]:
    """The ledger entries of images, in their order."""
    held = ports.ledger.read([image.image_id for image in images])
    return [held[image.image_id] for image in images]


def stored_job(ports: Any, job: Job = JOB) -> Job:
    """The job as stored in the jobs table."""
    held: Job = ports.jobs.read([job.job_id])[job.job_id]
    return held


def stored(ports: Any, *keys: tuple[str, str]) -> list[OrderLine]:
    held = ports.orders.read(keys)
    return [held[key] for key in keys]


def waiting(ports: Any, now: str, most: int = 100) -> list[str]:
    return sorted(bin_id for _, bin_id in ports.orders.due(now, most))
