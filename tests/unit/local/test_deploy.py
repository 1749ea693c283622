from types import SimpleNamespace

import botocore.session
import pytest
from binlocal.deploy import create_endpoints, create_stack
from binlocal.errors import DeployError
from binlocal.members import coerce_types
from binlocal.template import split_template


class FakeCloudFormation:
    """A stack that goes through `statuses`, one for each describe request."""

    def __init__(self, *statuses, events=(), outputs=()):
        self.statuses = list(statuses)
        self.events = list(events)
        self.outputs = list(outputs)
        self.created = {}

    def create_stack(self, **request):
        self.created = request

    def describe_stacks(self, StackName):  # noqa: N803 (boto3's names)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return {"Stacks": [{"StackName": StackName, "StackStatus": status, "Outputs": self.outputs}]}

    def describe_stack_events(self, StackName):  # noqa: N803
        return {"StackEvents": self.events}


def event(name, status, reason=None):
    details = {"ResourceStatusReason": reason} if reason else {}
    return {"LogicalResourceId": name, "ResourceType": "AWS::SQS::Queue", "ResourceStatus": status, **details}


def test_the_outputs_are_returned_when_the_stack_is_complete():
    fake = FakeCloudFormation(
        "CREATE_IN_PROGRESS", "CREATE_COMPLETE", outputs=[{"OutputKey": "Bucket", "OutputValue": "b"}]
    )

    assert create_stack(fake, "s", "http://template", {"Window": "1"}) == {"Bucket": "b"}
    assert fake.created["Parameters"] == [{"ParameterKey": "Window", "ParameterValue": "1"}]


def test_a_failed_stack_names_the_resource_and_the_reason():
    events = [
        event("s", "CREATE_FAILED"),
        event("Queue", "CREATE_FAILED", "too long a name"),
        event("B", "CREATE_COMPLETE"),
    ]
    fake = FakeCloudFormation("CREATE_FAILED", events=events)

    with pytest.raises(DeployError) as failure:
        create_stack(fake, "s", "http://template", {})

    assert "The stack s ended in CREATE_FAILED" in str(failure.value)
    assert "Queue (AWS::SQS::Queue): too long a name" in str(failure.value)
    assert "B (" not in str(failure.value)


def sagemaker_model():
    return botocore.session.get_session().get_service_model("sagemaker")


class FakeSageMaker:
    """Records what is created. Its `meta` has the real service model."""

    def __init__(self):
        self.meta = SimpleNamespace(service_model=sagemaker_model())
        self.requests = []

    def create_model(self, **members):
        self.requests.append(members)
        return {"ModelArn": "arn:model"}

    def create_endpoint_config(self, **members):
        self.requests.append(members)
        return {"EndpointConfigArn": "arn:config"}

    def create_endpoint(self, **members):
        self.requests.append(members)
        return {"EndpointArn": "arn:endpoint"}


ENDPOINT = {
    "E": {
        "Type": "AWS::SageMaker::Endpoint",
        "Properties": {
            "EndpointName": {"Fn::Sub": "x"},
            "EndpointConfigName": {"Fn::GetAtt": ["C", "EndpointConfigName"]},
        },
    },
    "C": {
        "Type": "AWS::SageMaker::EndpointConfig",
        "Properties": {"ProductionVariants": [{"VariantName": "v", "ModelName": {"Fn::GetAtt": ["M", "ModelName"]}}]},
    },
    "M": {"Type": "AWS::SageMaker::Model", "Condition": "Wanted", "Properties": {"ExecutionRoleArn": {"Ref": "Role"}}},
}


def test_model_configuration_and_endpoint_are_created_in_this_order():
    fake = FakeSageMaker()

    names = create_endpoints(fake, "s", split_template({"Resources": ENDPOINT}), "the-endpoint\ntrue\narn:role")

    assert names == ("the-endpoint",)
    assert fake.requests == [
        {"ModelName": "s-M", "ExecutionRoleArn": "arn:role"},
        {"EndpointConfigName": "s-C", "ProductionVariants": [{"VariantName": "v", "ModelName": "s-M"}]},
        {"EndpointName": "the-endpoint", "EndpointConfigName": "s-C"},
    ]


def test_update_only_properties_are_omitted():
    fake = FakeSageMaker()
    endpoint = {
        "E": {**ENDPOINT["E"], "Properties": {**ENDPOINT["E"]["Properties"], "RetainAllVariantProperties": True}}
    }

    create_endpoints(fake, "s", split_template({"Resources": ENDPOINT | endpoint}), "the-endpoint\ntrue\narn:role")

    assert fake.requests[-1] == {"EndpointName": "the-endpoint", "EndpointConfigName": "s-C"}


def test_a_resource_whose_condition_is_false_is_not_created():
    fake = FakeSageMaker()
    only_model = {"Resources": {"M": ENDPOINT["M"]}}

    assert create_endpoints(fake, "s", split_template(only_model), "false\narn:role") == ()
    assert fake.requests == []


def test_strings_become_the_types_that_the_api_expects():
    shape = sagemaker_model().operation_model("CreateEndpointConfig").input_shape
    members = {
        "EnableNetworkIsolation": "true",
        "ProductionVariants": [{"InitialInstanceCount": "1", "InitialVariantWeight": "0.5", "ModelName": "7"}],
        "AsyncInferenceConfig": {"ClientConfig": {"MaxConcurrentInvocationsPerInstance": "2"}},
    }

    assert coerce_types(members, shape) == {
        "EnableNetworkIsolation": True,
        "ProductionVariants": [{"InitialInstanceCount": 1, "InitialVariantWeight": 0.5, "ModelName": "7"}],
        "AsyncInferenceConfig": {"ClientConfig": {"MaxConcurrentInvocationsPerInstance": 2}},
    }


def test_unknown_names_are_left_for_boto3_to_reject():
    shape = sagemaker_model().operation_model("CreateModel").input_shape

    assert coerce_types({"Mystery": "7"}, shape) == {"Mystery": "7"}
