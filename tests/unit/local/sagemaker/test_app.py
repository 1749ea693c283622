"""The local SageMaker through boto3: real requests over HTTP."""

import os
import threading

import boto3
import httpx
import pytest
import uvicorn
from binlocal.processes import free_port
from binlocal.sagemaker.app import create_app
from binlocal.sagemaker.async_inference import AsyncInference
from binlocal.sagemaker.container import ContainerResponse
from binlocal.sagemaker.control import ControlPlane
from binlocal.sagemaker.endpoint import Endpoint
from binlocal.sagemaker.endpoints import Endpoints
from binlocal.sagemaker.errors import ContainerError
from binlocal.sagemaker.faults import FaultInjector, parse_plan
from binlocal.sagemaker.notifier import Notifier
from binlocal.sagemaker.registry import Registry
from binlocal.sagemaker.transforms import TransformJobs
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.unit.local.sagemaker.driven_clock import DrivenClock
from tests.unit.local.sagemaker.fakes import FakeModel, FakeStorage
from tests.unit.local.waiting import eventually

TOPIC = "arn:aws:sns:us-east-1:000000000000:"
ASYNC = {
    "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 2},
    "OutputConfig": {
        "S3OutputPath": "s3://jobs/out/",
        "S3FailurePath": "s3://jobs/failed/",
        "NotificationConfig": {
            "SuccessTopic": "arn:aws:sns:us-east-1:000000000000:good",
            "ErrorTopic": "arn:aws:sns:us-east-1:000000000000:bad",
        },
    },
}


class Local:
    """A local SageMaker on its own port, with a fake container and fake storage."""

    def __init__(self, state=None):
        self.state = state
        self.clock = DrivenClock(1000.0)
        self.faults = FaultInjector()
        self.announced = []
        self.model = FakeModel()
        self.storage = FakeStorage(**{"s3://jobs/in.jsonl": b"{}"})
        self.environments = []
        self.control = self.control_plane()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        app = create_app(self.control, self.faults, self.clock)
        self.server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
        self.thread = threading.Thread(target=self.server.run)

    def control_plane(self):
        registry = Registry("arn:aws:sagemaker:us-east-1:000000000000", self.clock, self.state)
        transforms = TransformJobs(
            registry,
            storage=self.storage,
            make_model=self.make_model,
            announce=self.announced.append,
            faults=self.faults,
            clock=self.clock,
            region="us-east-1",
        )
        endpoints = Endpoints(registry, self.make_endpoint, self.faults, self.clock)
        return ControlPlane(account="000000000000", registry=registry, endpoints=endpoints, transforms=transforms)

    def make_model(self, environment):
        self.environments.append(environment)
        return self.model

    def make_endpoint(self, name, environment, settings):
        model, notifier = self.make_model(environment), Notifier(self.faults, self.clock)
        parts = (model, self.storage, settings, "us-east-1", self.clock, self.faults, notifier)
        return Endpoint(name, model, AsyncInference(*parts) if settings else None)

    def client(self, service):
        config = Config(proxies={}, retries={"total_max_attempts": 1})
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=self.url, region_name="us-east-1", config=config, **keys)

    def create(self, asynchronous=True):
        sagemaker = self.client("sagemaker")
        sagemaker.create_model(
            ModelName="m", PrimaryContainer={"Image": "local/counter", "Environment": {"COUNTER_MODE": "careful"}}
        )
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": "m",
            "InstanceType": "ml.c6i.xlarge",
            "InitialInstanceCount": 1,
        }
        more = {"AsyncInferenceConfig": ASYNC} if asynchronous else {}
        sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant], **more)
        sagemaker.create_endpoint(EndpointName="counter", EndpointConfigName="c")
        return self


@pytest.fixture
def local():
    running = Local()
    running.thread.start()
    eventually(lambda: running.server.started, "the server")
    yield running
    running.server.should_exit = True
    running.thread.join(10)
    running.control.stop()


def test_an_endpoint_is_created_described_and_deleted(local):
    sagemaker = local.create().client("sagemaker")

    described = sagemaker.describe_endpoint(EndpointName="counter")
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointArn"] == "arn:aws:sagemaker:us-east-1:000000000000:endpoint/counter"
    assert described["EndpointConfigName"] == "c"
    assert sagemaker.describe_endpoint_config(EndpointConfigName="c")["AsyncInferenceConfig"] == ASYNC
    assert sagemaker.describe_model(ModelName="m")["PrimaryContainer"]["Image"] == "local/counter"
    assert local.environments == [{"COUNTER_MODE": "careful"}]

    sagemaker.delete_endpoint(EndpointName="counter")
    sagemaker.delete_endpoint_config(EndpointConfigName="c")
    sagemaker.delete_model(ModelName="m")

    assert local.model.stopped
    with pytest.raises(ClientError, match=r'Could not find endpoint "arn:aws:sagemaker:.*:endpoint/counter"'):
        sagemaker.describe_endpoint(EndpointName="counter")


def test_an_asynchronous_invocation_is_accepted_then_served(local):
    local.create()

    answer = local.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName="counter",
        InputLocation="s3://jobs/in.jsonl",
        InferenceId="job-1",
        ContentType="application/jsonlines",
        Accept="application/jsonlines",
        CustomAttributes="trace=1",
        RequestTTLSeconds=60,
        InvocationTimeoutSeconds=30,
    )

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["InferenceId"] == "job-1"
    assert answer["OutputLocation"].startswith("s3://jobs/out/")
    assert answer["FailureLocation"].startswith("s3://jobs/failed/")
    assert answer["FailureLocation"].endswith("-error.out")
    message = eventually(lambda: [message for _, message in local.storage.published[2:]], "the notification")[0]
    assert message["inferenceId"] == "job-1"
    assert message["responseParameters"]["outputLocation"] == answer["OutputLocation"]
    assert message["requestParameters"]["customAttributes"] == "trace=1"
    assert local.storage.objects[answer["OutputLocation"]] == local.model.answer.body
    assert local.model.requests[0][2] == 30


def test_an_invocation_without_an_id_gets_one(local):
    runtime = local.create().client("sagemaker-runtime")

    first, second = (
        runtime.invoke_endpoint_async(EndpointName="counter", InputLocation="s3://jobs/in.jsonl") for _ in range(2)
    )

    assert first["InferenceId"]
    assert first["InferenceId"] != second["InferenceId"]
    assert first["OutputLocation"] != second["OutputLocation"]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"EndpointName": "nobody"}, "Endpoint nobody of account 000000000000 not found"),
        ({"InputLocation": "https://example.org/x"}, "InputLocation must be an S3 URI"),
        ({"InputLocation": "s3://jobs"}, "InputLocation must be an S3 URI"),
        ({"InferenceId": "x" * 65}, "InferenceId must be 1 to 64"),
        ({"RequestTTLSeconds": 21_601}, "RequestTTLSeconds must be a whole number from 60 to 21600, not '21601'"),
        ({"Body": b"inline"}, "does not support Body"),
        ({"Filename": "x.out"}, "does not support Body, Filename"),
    ],
)
def test_an_invalid_asynchronous_invocation_is_a_validation_error(local, members, expected):
    runtime = local.create().client("sagemaker-runtime")
    right = {"EndpointName": "counter", "InputLocation": "s3://jobs/in.jsonl"}

    with pytest.raises(runtime.exceptions.ValidationError) as error:
        runtime.invoke_endpoint_async(**{**right, **members})

    assert expected in error.value.response["Error"]["Message"]
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_real_time_endpoint_returns_the_containers_response(local):
    local.create(asynchronous=False).model.answer = ContainerResponse(200, "application/json", b'{"count": 2}', "seen")

    answer = local.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="counter", Body=b"\xff\xd8", ContentType="image/jpeg", Accept="application/json"
    )

    assert answer["Body"].read() == b'{"count": 2}'
    assert answer["ContentType"] == "application/json"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["CustomAttributes"] == "seen"
    assert local.model.requests[0][0] == b"\xff\xd8"
    assert local.model.requests[0][1] == {"Content-Type": "image/jpeg", "Accept": "application/json"}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            ContainerResponse(400, "text/plain", b"not a picture"),
            'client error (400) from primary with message "not a picture"',
        ),
        (ContainerError("broke off"), 'server error (0) from primary with message "broke off"'),
    ],
)
def test_a_failing_container_is_a_model_error_in_real_time(local, answer, expected):
    local.create(asynchronous=False).model.answer = answer
    runtime = local.client("sagemaker-runtime")

    with pytest.raises(runtime.exceptions.ModelError) as error:
        runtime.invoke_endpoint(EndpointName="counter", Body=b"x")

    assert expected in error.value.response["Error"]["Message"]
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 424


def test_an_asynchronous_endpoint_rejects_real_time_invocations(local):
    runtime = local.create().client("sagemaker-runtime")
    with pytest.raises(runtime.exceptions.ValidationError, match="is asynchronous"):
        runtime.invoke_endpoint(EndpointName="counter", Body=b"x")


def test_a_real_time_endpoint_rejects_asynchronous_invocations(local):
    runtime = local.create(asynchronous=False).client("sagemaker-runtime")
    with pytest.raises(runtime.exceptions.ValidationError, match="is not asynchronous"):
        runtime.invoke_endpoint_async(EndpointName="counter", InputLocation="s3://jobs/in.jsonl")
    assert local.storage.published == []


def test_an_endpoint_whose_container_never_started_has_failed(local):
    local.create().model.status = "Failed"

    described = local.client("sagemaker").describe_endpoint(EndpointName="counter")
    assert described["EndpointStatus"] == "Failed"
    assert "ping" in described["FailureReason"]
    with pytest.raises(ClientError, match="not in service"):
        local.client("sagemaker-runtime").invoke_endpoint_async(EndpointName="counter", InputLocation="s3://jobs/x")


def test_the_control_plane_returns_sagemakers_errors(local):
    sagemaker = local.create().client("sagemaker")

    with pytest.raises(ClientError, match=r"ValidationException.*Cannot create already existing model"):
        sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": "x"})
    with pytest.raises(ClientError, match="Could not find model"):
        sagemaker.create_endpoint_config(
            EndpointConfigName="other", ProductionVariants=[{"VariantName": "v", "ModelName": "nobody"}]
        )
    with pytest.raises(ClientError, match="Could not find endpoint config"):
        sagemaker.create_endpoint(EndpointName="other", EndpointConfigName="nobody")
    with pytest.raises(ClientError, match=r"UnknownOperationException.*has no operation ListApps"):
        sagemaker.list_apps()


@pytest.mark.parametrize(
    ("target", "body", "kind", "expected"),
    [
        ("SageMaker.CreateModel", b"{}", "ValidationException", 'Missing required parameter in input: "ModelName"'),
        ("SageMaker.CreateModel", b"{", "SerializationException", "not JSON"),
        ("SageMaker.Dance", b"{}", "UnknownOperationException", "no operation 'Dance'"),
    ],
)
def test_a_malformed_request_is_rejected_with_an_explanation(local, target, body, kind, expected):
    answer = httpx.post(local.url, headers={"X-Amz-Target": target}, content=body, trust_env=False)

    assert answer.status_code == 400
    assert answer.json()["__type"] == kind
    assert expected in answer.json()["message"]


def transform(name="job-1", **members):
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://jobs/in"}
    return {
        "TransformJobName": name,
        "ModelName": "m",
        "TransformInput": {"DataSource": {"S3DataSource": source}},
        "TransformOutput": {"S3OutputPath": "s3://jobs/out/"},
        "TransformResources": {"InstanceType": "ml.c6i.xlarge", "InstanceCount": 1},
        **members,
    }


def test_a_transform_job_is_created_described_stopped_and_listed(local):
    sagemaker = local.create().client("sagemaker")
    local.model.gate.clear()

    created = sagemaker.create_transform_job(**transform())

    assert created["TransformJobArn"] == "arn:aws:sagemaker:us-east-1:000000000000:transform-job/job-1"
    assert sagemaker.describe_transform_job(TransformJobName="job-1")["TransformJobStatus"] == "InProgress"
    sagemaker.stop_transform_job(TransformJobName="job-1")
    local.model.gate.set()
    eventually(lambda: sagemaker.list_transform_jobs(StatusEquals="Stopped")["TransformJobSummaries"], "the job's end")
    with pytest.raises(sagemaker.exceptions.ResourceInUse):
        sagemaker.create_transform_job(**transform())
    with pytest.raises(ClientError, match=r"ValidationException.*1 validation error detected: Value 'no_name'"):
        sagemaker.create_transform_job(**transform("no_name"))
    with pytest.raises(ClientError, match=r"ValidationException.*Could not find requested job with name: nobody"):
        sagemaker.describe_transform_job(TransformJobName="nobody")


def test_resources_are_listed_in_pages(local):
    sagemaker = local.create().client("sagemaker")
    for number in range(4):
        sagemaker.create_model(ModelName=f"m{number}", PrimaryContainer={"Image": "x"})

    pages = sagemaker.get_paginator("list_models").paginate(SortBy="Name", SortOrder="Ascending", MaxResults=2)

    assert [[model["ModelName"] for model in page["Models"]] for page in pages] == [["m", "m0"], ["m1", "m2"], ["m3"]]
    (endpoint,) = sagemaker.list_endpoints(StatusEquals="InService")["Endpoints"]
    assert endpoint["EndpointName"] == "counter"
    assert sagemaker.list_endpoints(NameContains="nobody")["Endpoints"] == []
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"][0]["EndpointConfigName"] == "c"


def test_the_fault_plan_is_read_and_replaced_over_http(local):
    url = f"{local.url}/_faults"
    plan = {"seed": 3, "requests": {"throttle": 1}}

    assert httpx.get(url, trust_env=False).json() == {"plan": {}, "counts": {}, "chances": {}}
    assert httpx.put(url, json=plan, trust_env=False).json()["plan"] == plan
    refused = httpx.put(url, json={"requests": {"throttle": 2}}, trust_env=False)

    assert (refused.status_code, local.faults.plan.seed) == (400, 3)
    assert "requests.throttle" in refused.json()["message"]
    assert httpx.get(f"{local.url}/_process", trust_env=False).json() == {"pid": os.getpid()}


@pytest.mark.parametrize(
    ("fault", "code", "status", "accepted"),
    [
        ("throttle", "ThrottlingException", 400, 0),
        ("error_5xx", "InternalFailure", 500, 0),
        ("lost_answer", "ServiceUnavailable", 503, 1),
    ],
)
def test_requests_fail_according_to_the_plan(local, fault, code, status, accepted):
    local.create()
    local.faults.replace(parse_plan({"requests": {fault: 1}}))

    with pytest.raises(ClientError) as refused:
        local.client("sagemaker-runtime").invoke_endpoint_async(
            EndpointName="counter", InputLocation="s3://jobs/in.jsonl"
        )
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    with pytest.raises(ClientError, match=code):
        local.client("sagemaker").create_transform_job(**transform())

    local.client("sagemaker").describe_endpoint(EndpointName="counter")
    assert len(local.client("sagemaker").list_models()["Models"]) == 1
    eventually(lambda: len(local.model.requests) == 2 * accepted, "the accepted requests")
    assert local.faults.summary()["counts"] == {f"requests.{fault}": 2}


def test_models_and_endpoints_survive_a_restart(tmp_path):
    first = Local(tmp_path / "definitions.json")
    first.control.perform("CreateModel", {"ModelName": "m", "PrimaryContainer": {"Environment": {"A": "1"}}})
    variants = [{"VariantName": "v", "ModelName": "m"}]
    config = {"EndpointConfigName": "c", "ProductionVariants": variants, "AsyncInferenceConfig": ASYNC}
    first.control.perform("CreateEndpointConfig", config)
    first.control.perform("CreateEndpoint", {"EndpointName": "e", "EndpointConfigName": "c"})

    again = Local(tmp_path / "definitions.json")
    again.control.restore()

    assert again.model.started
    assert again.environments == [{"A": "1"}]
    assert again.storage.published == []
    assert again.control.perform("DescribeEndpoint", {"EndpointName": "e"})["EndpointStatus"] == "InService"
    first.control.stop()
    again.control.stop()
