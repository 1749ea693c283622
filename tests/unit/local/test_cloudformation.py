"""SageMaker's resources in MiniStack's CloudFormation. MiniStack's names are private, so an upgrade may break them."""

import inspect
from types import SimpleNamespace

import botocore.session
import pytest
from binlocal import cloudformation
from binlocal.sagemaker.errors import ApiError
from botocore import xform_name
from botocore.exceptions import ClientError
from ministack.services.cloudformation import changesets, provisioners, stacks

from tests.unit.local.sagemaker.test_endpoints import OUTPUT, Account
from tests.unit.local.waiting import eventually

MODEL, CONFIG, ENDPOINT = (f"AWS::SageMaker::{kind}" for kind in ("Model", "EndpointConfig", "Endpoint"))
TARGET, POLICY = (f"AWS::ApplicationAutoScaling::{kind}" for kind in ("ScalableTarget", "ScalingPolicy"))
ARN = "arn:aws:sagemaker:us-east-1:000000000000"


class Client:
    """A boto3 client of a local SageMaker without HTTP."""

    def __init__(self, account, service):
        model = botocore.session.get_session().get_service_model(service)
        self.meta = SimpleNamespace(service_model=model)
        for operation in model.operation_names:
            setattr(self, xform_name(operation), self.method(account, operation))

    def method(self, account, operation):
        def call(**members):
            try:
                return account(operation, **members)
            except ApiError as error:
                raise ClientError({"Error": {"Code": error.code, "Message": error.message}}, operation) from error

        return call


ACCOUNT = SimpleNamespace(current=None)


@pytest.fixture(scope="module", autouse=True)
def installed():
    def perform(operation, **members):
        return ACCOUNT.current(operation, **members)

    clients = {service: Client(perform, service) for service in ("sagemaker", "application-autoscaling")}
    cloudformation.install(clients.__getitem__)


@pytest.fixture
def account():
    ACCOUNT.current = Account()
    yield ACCOUNT.current
    ACCOUNT.current.endpoints.stop()


def create(kind, logical_id, **properties):
    return provisioners._provision_resource(kind, logical_id, properties, "Trial")


def update(kind, physical_id, old, new):
    return provisioners._update_resource(kind, physical_id, old, new, "Trial", "Logical", {})


def config(instance_type="ml.c6i.xlarge"):
    # As CloudFormation gives them: numbers of parameters are strings.
    variant = {"VariantName": "AllTraffic", "ModelName": "m", "InstanceType": instance_type}
    return {"ProductionVariants": [{**variant, "InitialInstanceCount": "1"}], "AsyncInferenceConfig": OUTPUT}


def test_ministack_still_has_the_names_that_are_used():
    assert list(inspect.signature(changesets._resolve_props_for_diff).parameters)[:2] == ["template", "parameters"]
    assert stacks._runs_on_worker_thread(ENDPOINT)
    assert not stacks._runs_on_worker_thread("AWS::SNS::Topic")
    assert stacks._runs_on_worker_thread.__module__ == "binlocal.cloudformation"
    assert inspect.getsource(changesets).count("= _resolve_props_for_diff(") == 2
    assert inspect.getsource(provisioners._property_recreation).count("_REPLACING_PROPERTIES") == 2


def test_an_endpoint_is_created_scaled_updated_and_deleted(account):
    first, attributes = create(CONFIG, "CounterEndpointConfig", **config())
    assert attributes["EndpointConfigName"].startswith("trial-counterendpointconfig-")
    properties = {"EndpointName": "Counter", **attributes, "RetainAllVariantProperties": "true"}
    arn, _ = create(ENDPOINT, "CounterEndpoint", **properties)
    assert arn == f"{ARN}:endpoint/counter"
    names = {"ResourceId": "endpoint/Counter/variant/AllTraffic", "ServiceNamespace": "sagemaker"}
    target, _ = create(
        TARGET,
        "Scaling",
        **names,
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        MinCapacity="0",
        MaxCapacity="2",
    )
    assert target == "endpoint/Counter/variant/AllTraffic|sagemaker:variant:DesiredInstanceCount|sagemaker"
    scaling = {"PolicyName": "p", "PolicyType": "StepScaling", "ScalingTargetId": target}
    policy, _ = create(POLICY, "Policy", **scaling)
    assert "scaling-policy" in policy

    _, second = create(CONFIG, "Other", **config())
    assert update(ENDPOINT, arn, properties, {**properties, **second})[0] == arn
    assert account("DescribeEndpoint", EndpointName="Counter")["EndpointConfigName"] == second["EndpointConfigName"]
    _, third = create(CONFIG, "Third", **config("ml.c7i.xlarge"))
    with pytest.raises(cloudformation.ResourceError, match="scalable target"):
        update(ENDPOINT, arn, properties, {**properties, **third})

    provisioners._delete_resource(POLICY, policy, scaling)
    provisioners._delete_resource(TARGET, target, names)
    provisioners._delete_resource(ENDPOINT, arn, properties)
    provisioners._delete_resource(ENDPOINT, arn, properties)
    provisioners._delete_resource(CONFIG, first, config())
    assert account.registry.all("endpoint") == account.registry.all("scaling-policy") == []


def test_an_endpoint_that_does_not_start_fails_and_leaves_nothing(account):
    _, attributes = create(CONFIG, "Config", **config())
    account.next.status = "Failed"

    with pytest.raises(cloudformation.ResourceError, match="ping health check"):
        create(ENDPOINT, "CounterEndpoint", EndpointName="Counter", **attributes)

    assert account.registry.all("endpoint") == []


def test_an_update_that_does_not_start_fails(account):
    _, first = create(CONFIG, "Config", **config())
    _, second = create(CONFIG, "Other", **config())
    properties = {"EndpointName": "Counter"}
    arn, _ = create(ENDPOINT, "CounterEndpoint", **properties, **first)
    account.next.status = "Failed"

    with pytest.raises(cloudformation.ResourceError, match="ping health check"):
        update(ENDPOINT, arn, {**properties, **first}, {**properties, **second})
    eventually(lambda: account("DescribeEndpoint", EndpointName="Counter")["EndpointStatus"] == "InService", "it")


def test_a_model_that_keeps_its_name_is_not_replaced(account):
    old = {"ModelName": "Trial-counter1", "PrimaryContainer": {"Image": "a"}, "ExecutionRoleArn": "arn:role"}
    arn, _ = create(MODEL, "CounterModel", **old)

    with pytest.raises(ValueError, match="custom-named resource requires replacing"):
        update(MODEL, arn, old, {**old, "PrimaryContainer": {"Image": "b"}})
    renamed, _ = update(MODEL, arn, old, {**old, "ModelName": "Trial-counter2"})

    assert renamed == f"{ARN}:model/trial-counter2"


def test_a_change_set_leaves_out_what_its_condition_excludes(account):
    template = {
        "Conditions": {"Wanted": {"Fn::Equals": [{"Ref": "Scaling"}, "on"]}},
        "Resources": {"Target": {"Type": TARGET, "Condition": "Wanted"}, "Topic": {"Type": "AWS::SNS::Topic"}},
    }
    found = [
        changesets._resolve_props_for_diff(template, {"Scaling": {"Value": value, "NoEcho": False}}, "s", "id")
        for value in ("on", "off")
    ]
    assert [sorted(each["Resources"]) for each in found] == [["Target", "Topic"], ["Topic"]]
    assert changesets._resolve_props_for_diff({}, {}, "s", "id") == {}
