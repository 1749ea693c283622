"""Endpoints that are updated while they scale, are refused, fail, or have requests waiting."""

import pytest
from binlocal.sagemaker.async_inference import AsyncInference
from binlocal.sagemaker.control import ControlPlane
from binlocal.sagemaker.endpoint import Endpoint
from binlocal.sagemaker.endpoints import NOT_STARTED, Endpoints
from binlocal.sagemaker.errors import ApiError
from binlocal.sagemaker.faults import FaultInjector, parse_plan
from binlocal.sagemaker.notifier import Notifier
from binlocal.sagemaker.registry import Registry

from tests.unit.local.sagemaker.driven_clock import DrivenClock
from tests.unit.local.sagemaker.fakes import FakeModel, FakeStorage
from tests.unit.local.sagemaker.test_endpoint import REQUEST
from tests.unit.local.waiting import eventually

TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/counter/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
CAPACITY = {"MinCapacity": 0, "MaxCapacity": 2}
OUTPUT = {"ClientConfig": {"MaxConcurrentInvocationsPerInstance": 1}, "OutputConfig": {"S3OutputPath": "s3://jobs/out"}}


class Account:
    """An endpoint `counter` with the configuration `first`. Each of its containers is in `models`, oldest first."""

    def __init__(self, **plan):
        self.clock, self.faults = DrivenClock(1000.0), FaultInjector(parse_plan(plan))
        self.registry = Registry("arn:aws:sagemaker:us-east-1:000000000000", self.clock)
        self.models, self.next = [], FakeModel()
        self.storage = FakeStorage(**{REQUEST.input_location: b"{}"})
        self.endpoints = Endpoints(self.registry, self.make_endpoint, self.faults, self.clock)
        self.control = ControlPlane(
            account="000000000000", registry=self.registry, endpoints=self.endpoints, transforms=None
        )
        self("CreateModel", ModelName="m", PrimaryContainer={"Image": "x"})
        self.config("first")

    def make_endpoint(self, name, _environment, settings):
        model, self.next = self.next, FakeModel()
        self.models.append(model)
        notifier = Notifier(self.faults, self.clock)
        parts = (model, self.storage, settings, "us-east-1", self.clock, self.faults, notifier)
        return Endpoint(name, model, AsyncInference(*parts))

    def __call__(self, operation, **members):
        return self.control.perform(operation, members)

    def config(self, name, instance_type="ml.c6i.xlarge"):
        variant = {"VariantName": "AllTraffic", "ModelName": "m", "InstanceType": instance_type}
        self("CreateEndpointConfig", EndpointConfigName=name, ProductionVariants=[variant], AsyncInferenceConfig=OUTPUT)

    def create(self):
        self("CreateEndpoint", EndpointName="counter", EndpointConfigName="first")
        return self

    def update(self, config):
        return self("UpdateEndpoint", EndpointName="counter", EndpointConfigName=config)

    @property
    def described(self):
        return self("DescribeEndpoint", EndpointName="counter")

    def is_updated(self):
        return self.described["EndpointStatus"] != "Updating"


@pytest.fixture
def account():
    made = Account().create()
    yield made
    made.endpoints.stop()


def test_an_update_replaces_the_container_and_hands_over_the_requests_that_wait(account):
    (old,) = account.models
    old.gate.clear()
    account.endpoints.running["counter"].submit(REQUEST)
    eventually(lambda: old.busy, "the request in progress")
    account.endpoints.running["counter"].submit(REQUEST)
    account.config("second")

    account.update("second")

    new = account.models[1]
    eventually(lambda: new.requests, "the request that waited")
    assert not old.stopped
    assert account.described["EndpointStatus"] == "Updating"
    old.gate.set()
    eventually(account.is_updated, "the update")
    assert (len(old.requests), old.stopped, new.stopped) == (1, True, False)
    assert account.described["EndpointConfigName"] == "second"


def test_a_request_for_the_endpoint_before_the_update_goes_to_the_one_after_it(account):
    before = account.endpoints.running["counter"]
    account.config("second")
    account.update("second")
    eventually(account.is_updated, "the update")

    before.submit(REQUEST)

    eventually(lambda: account.models[1].requests, "the request")


def test_an_update_whose_container_does_not_start_keeps_the_old_one(account):
    account.config("second")
    account.next.status = "Failed"

    account.update("second")
    eventually(account.is_updated, "the update")

    described = account.described
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "first")
    assert described["FailureReason"] == NOT_STARTED
    assert [model.stopped for model in account.models] == [False, True]


def test_a_variant_that_scales_changes_its_model_but_not_its_instance_type(account):
    account("RegisterScalableTarget", **TARGET, **CAPACITY)
    account.config("same-type")
    account.config("other-type", "ml.c7i.xlarge")

    with pytest.raises(ApiError, match="registered as a scalable target"):
        account.update("other-type")
    account.update("same-type")
    eventually(account.is_updated, "the update")
    account("DeregisterScalableTarget", **TARGET)
    account.update("other-type")

    eventually(account.is_updated, "the second update")
    assert account.described["EndpointConfigName"] == "other-type"


def test_an_update_is_refused_to_the_same_configuration_and_while_another_one_runs(account):
    with pytest.raises(ApiError, match="already has the config"):
        account.update("first")
    account.models[0].gate.clear()
    account.endpoints.running["counter"].submit(REQUEST)
    eventually(lambda: account.models[0].busy, "the request in progress")
    account.config("second")
    account.config("third")
    account.update("second")

    with pytest.raises(ApiError, match="in-progress"):
        account.update("third")
    with pytest.raises(ApiError, match="in-progress"):
        account("DeleteEndpoint", EndpointName="counter")
    account.models[0].gate.set()
    eventually(account.is_updated, "the update")


def test_a_configuration_in_use_is_not_deleted(account):
    with pytest.raises(ApiError, match="the endpoint counter uses it"):
        account("DeleteEndpointConfig", EndpointConfigName="first")
    account("DeleteEndpoint", EndpointName="counter")
    account("DeleteEndpointConfig", EndpointConfigName="first")


def test_an_endpoint_beyond_the_quota_is_refused_and_leaves_nothing():
    account = Account(endpoint={"quota": 1})

    with pytest.raises(ApiError, match=r"'ml.c6i.xlarge for endpoint usage' is 0 Instances") as refused:
        account.create()

    assert refused.value.code == "ResourceLimitExceeded"
    assert account.registry.all("endpoint") == []


def test_a_policy_needs_a_target_and_goes_with_it_and_both_with_the_endpoint(account):
    policy = {**TARGET, "PolicyName": "p", "PolicyType": "StepScaling"}
    with pytest.raises(ApiError, match="No scalable target registered"):
        account("PutScalingPolicy", **policy)
    with pytest.raises(ApiError, match="MaxCapacity is required"):
        account("RegisterScalableTarget", **TARGET, MinCapacity=0)
    with pytest.raises(ApiError, match="not found"):
        account("RegisterScalableTarget", **{**TARGET, "ResourceId": "endpoint/nobody/variant/AllTraffic"}, **CAPACITY)

    account("RegisterScalableTarget", **TARGET, **CAPACITY)
    arn = account("PutScalingPolicy", **policy)["PolicyARN"]
    assert account("PutScalingPolicy", **policy)["PolicyARN"] == arn
    account("RegisterScalableTarget", **TARGET, MaxCapacity=5)
    (target,) = account("DescribeScalableTargets", ServiceNamespace="sagemaker")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 5)

    account("DeleteEndpoint", EndpointName="counter")
    assert account("DescribeScalableTargets", ServiceNamespace="sagemaker")["ScalableTargets"] == []
    assert account("DescribeScalingPolicies", ServiceNamespace="sagemaker")["ScalingPolicies"] == []
    with pytest.raises(ApiError, match="No scaling policy found"):
        account("DeleteScalingPolicy", **TARGET, PolicyName="p")


def test_the_registry_of_models_numbers_the_packages_of_a_group(account):
    specification = {"Containers": [{"Image": "x"}]}
    with pytest.raises(ApiError, match="Could not find model package group"):
        account("CreateModelPackage", ModelPackageGroupName="g", InferenceSpecification=specification)
    account("CreateModelPackageGroup", ModelPackageGroupName="g")
    for _ in range(2):
        made = account("CreateModelPackage", ModelPackageGroupName="g", InferenceSpecification=specification)
    arn = made["ModelPackageArn"]

    account("UpdateModelPackage", ModelPackageArn=arn, ModelApprovalStatus="Approved")

    described = account("DescribeModelPackage", ModelPackageName=arn)
    assert (described["ModelPackageVersion"], described["ModelApprovalStatus"]) == (2, "Approved")
    assert described["InferenceSpecification"] == specification
    listed = account("ListModelPackages", ModelPackageGroupName="g", MaxResults=1)
    assert [one["ModelPackageVersion"] for one in listed["ModelPackageSummaryList"]] == [2]
    (group,) = account("ListModelPackageGroups", NameContains="g")["ModelPackageGroupSummaryList"]
    assert group["ModelPackageGroupName"] == "g"
    with pytest.raises(ApiError, match="does not exist"):
        account("DescribeModelPackage", ModelPackageName="nothing")
