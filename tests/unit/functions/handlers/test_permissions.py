"""What the functions ask of AWS against what template.yaml allows them: all of it, and nothing more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

import pytest
from bintally.adapters.clients import client
from bintally.domain.image import Image
from bintally.domain.jobs import EngineName, JobStatus, job_of
from bintally.handlers import wiring

from tests.template.deployed import AT, stack
from tests.unit.functions.aws import empty_stack
from tests.unit.functions.examples import EARLIER, make_images, prediction
from tests.unit.functions.handlers.conftest import forget_settings, functions_environment
from tests.unit.functions.handlers.lambdas import FUNCTIONS, bodies, event, messages, notification, requests_made, run
from tests.unit.functions.handlers.test_orders import HEADER, put
from tests.unit.functions.handlers.test_story import put_orders, put_predictions

# Allowed, but never requested by the function itself, and why.
NOT_ASKED_FOR = {
    ("submit", "s3:ListBucket"): "without it S3 says of a missing object that it is forbidden",
    ("collect", "s3:ListBucket"): "as for submit",
    ("orders", "s3:ListBucket"): "as for submit",
}
LITTLE_TIME = 6  # the delivery whose import another run has to finish
WORK = (
    (EngineName.ASYNC, JobStatus.OPEN),
    (EngineName.ASYNC, JobStatus.SENT),
    (EngineName.BATCH, JobStatus.SENT),
    (EngineName.LAMBDA, JobStatus.OPEN),
    (EngineName.LAMBDA, JobStatus.SENT),
)
CALLS = {"Put": "PutItem", "Update": "UpdateItem"}

Need = tuple[str, str]


def needed(service: str, operation: str, params: dict[str, Any]) -> Iterator[Need]:  # noqa: C901
    """The (action, resource) pairs that IAM checks for a request."""
    match service, operation:
        case "dynamodb", "TransactWriteItems":
            for write in params["TransactItems"]:
                (kind,) = write
                yield f"dynamodb:{CALLS[kind]}", table_arn(write[kind]["TableName"])
        case "dynamodb", "BatchGetItem":
            yield from (("dynamodb:BatchGetItem", table_arn(name)) for name in params["RequestItems"])
        case "dynamodb", _:
            index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
            yield f"dynamodb:{operation}", table_arn(params["TableName"]) + index
        case "s3", "GetObject" | "HeadObject":
            action = "s3:GetObjectVersion" if "VersionId" in params else "s3:GetObject"
            yield action, f"arn:aws:s3:::{params['Bucket']}/{params['Key']}"
        case "s3", _:
            yield f"s3:{operation}", f"arn:aws:s3:::{params['Bucket']}/{params['Key']}"
        case "sagemaker-runtime", _:
            yield f"sagemaker:{operation}", f"arn:aws:sagemaker:{AT}:endpoint/{params['EndpointName']}"
        case "sagemaker", _:
            yield f"sagemaker:{operation}", f"arn:aws:sagemaker:{AT}:transform-job/{params['TransformJobName']}"
        case "lambda", "Invoke":
            yield "lambda:InvokeFunction", f"arn:aws:lambda:{AT}:function:{params['FunctionName']}"
        case "events", "PutEvents":
            assert {entry["Source"] for entry in params["Entries"]} == {"bintally"}
            yield "events:PutEvents", f"arn:aws:events:{AT}:event-bus/default"
        case "ssm", _:
            yield f"ssm:{operation}", f"arn:aws:ssm:{AT}:parameter{params['Name']}"
        case _ if "QueueUrl" in params:
            yield f"sqs:{operation}", f"arn:aws:sqs:{AT}:{params['QueueUrl'].rpartition('/')[2]}"
        case _:
            raise NotImplementedError(f"{service}:{operation}: say which permission it needs")


def table_arn(name: str) -> str:
    return f"arn:aws:dynamodb:{AT}:table/{name}"


def allowed(function: str) -> list[Need]:
    """The (action, resource pattern) pairs of what a function's code may do."""
    role = stack().resources[f"{function.capitalize()}FunctionRole"]["Properties"]
    (work,) = [policy for policy in role["Policies"] if policy["PolicyName"] == "Work"]
    return [
        (action, resource)
        for statement in work["PolicyDocument"]["Statement"]
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def grants(pattern: Need, need: Need) -> bool:
    return pattern[0] == need[0] and fnmatchcase(need[1], pattern[1])


@pytest.fixture(scope="module")
def needs() -> dict[str, set[Need]]:
    """The permissions that each function uses while it does everything it can do."""
    with pytest.MonkeyPatch.context() as patch, empty_stack(), functions_environment(patch) as environment:

        def setting(name: str, value: str) -> None:
            patch.setenv(name, value)
            forget_settings()

        return permissions_used(environment, setting)


def permissions_used(on_aws: dict[str, str], setting: Callable[[str, str], None]) -> dict[str, set[Need]]:
    with_version = put(on_aws, "o.csv", HEADER + b"C-1001,P-17-C,1\n")
    put_orders(on_aws)
    deliveries = [
        ("intake", event("intake/s3-put.json")),
        ("intake", messages(*bodies("intake/s3-eventbridge.json"), *bodies("intake/s3-test-event.json"))),
        ("submit", event("submit/schedule.json")),
        ("submit", event("submit/schedule.json")),
        ("orders", event("orders/csv-file.json")),
        ("orders", event("orders/json-file.json")),
        ("orders", messages(with_version)),
        ("collect", event("collect/async-success.json")),
        ("collect", event("collect/async-failure.json")),
        ("reconcile", event("reconcile/stream-bins.json")),
        ("reconcile", event("reconcile/stream-lines.json")),
        ("reconcile", event("reconcile/request.json")),
        ("reconcile", event("reconcile/clock.json")),
    ]
    found: dict[str, set[Need]] = {name: set() for name in FUNCTIONS}
    put_predictions(on_aws)
    setting("INFERENCE_MODE", "auto")
    setting("ENGINES", "async,batch,lambda")
    setting("LAMBDA_THRESHOLD", "0")
    for number, (function, delivery) in enumerate(deliveries):
        if function == "submit":
            setting("INFERENCE_MODE", "auto" if number % 2 else "batch")
            setting("SWEEP_AFTER", "0")  # the outputs were written just now
            leave_work(on_aws["JOBS_BUCKET"], make_images(6 * number)[-6:])
        if delivery == event("collect/async-failure.json"):
            lose_manifests(on_aws["JOBS_BUCKET"])
        with requests_made() as made:
            answer = run(function, delivery, seconds_left=0 if number == LITTLE_TIME else 120)
        assert not answer.get("batchItemFailures"), (number, function)
        found[function] |= {need for request in made for need in needed(*request)}
    forget_jobs(on_aws)
    setting("INFERENCE_MODE", "lambda")
    with requests_made() as made:
        run("intake", event("intake/s3-put.json"))
        run("intake", messages(notification("P-99-Z/a.jpg")))
    found["intake"] |= {need for request in made for need in needed(*request)}
    announced = messages(announced_by_lambda())
    with requests_made() as made:
        run("collect", announced)
    found["collect"] |= {need for request in made for need in needed(*request)}
    return found


def announced_by_lambda() -> str:
    """The notification of the one job of the model function."""
    (job,) = [job for job in wiring.dependencies().jobs.all() if job.engine is EngineName.LAMBDA]
    (body,) = bodies("collect/lambda-success.json")
    named = json.loads(body["Message"])["inferenceId"]
    return json.dumps(body).replace(named, job.job_id)


def forget_jobs(on_aws: dict[str, str]) -> None:
    """As after a crash between the ledger and the jobs."""
    for item in client("dynamodb").scan(TableName=on_aws["JOBS_TABLE"])["Items"]:
        client("dynamodb").delete_item(TableName=on_aws["JOBS_TABLE"], Key={"job_id": item["job_id"]})


def lose_manifests(bucket: str) -> None:
    for entry in client("s3").list_objects_v2(Bucket=bucket, Prefix="jobs/")["Contents"]:
        client("s3").delete_object(Bucket=bucket, Key=entry["Key"])


def leave_work(bucket: str, images: Sequence[Image]) -> None:
    """For a scheduled run: a pending image, OPEN jobs, some with results, and one that SageMaker does not know."""
    wiring.dependencies().ledger.receive(images[:1], EARLIER)
    for image, (engine, status) in zip(images[1:], WORK, strict=True):
        job = job_of([(image.image_id, 0)], engine)
        wiring.dependencies().engine(engine).prepare(job, [[image]])
        wiring.dependencies().jobs.create(job, EARLIER)
        wiring.dependencies().ledger.register([image], job.job_id, EARLIER)
        wiring.dependencies().jobs.open(job, EARLIER)
        if status is JobStatus.SENT:
            key = f"{'lambda' if engine is EngineName.LAMBDA else 'async'}/output/{job.job_id}.out"
            wiring.dependencies().jobs.mark_sent(job, {"output_location": f"s3://{bucket}/{key}"}, EARLIER)
            client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(prediction(image)).encode())
            if engine is EngineName.ASYNC:
                client("s3").delete_object(Bucket=bucket, Key=job.manifests[0])


def test_the_functions_may_do_all_that_they_do(needs: dict[str, set[Need]]) -> None:
    for function in FUNCTIONS:
        assert needs[function]
        patterns = allowed(function)
        refused = [need for need in sorted(needs[function]) if not any(grants(pattern, need) for pattern in patterns)]
        assert refused == [], function


def test_the_functions_do_all_that_they_may(needs: dict[str, set[Need]]) -> None:
    for function in FUNCTIONS:
        unused = [pattern for pattern in allowed(function) if not any(grants(pattern, n) for n in needs[function])]
        assert [pattern for pattern in unused if (function, pattern[0]) not in NOT_ASKED_FOR] == [], function
