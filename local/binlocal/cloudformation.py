"""Teaches MiniStack's CloudFormation the resources that it lacks: SageMaker's, and the scaling of its endpoints.

Each type is created, changed and deleted through the API of the local SageMaker, as CloudFormation does on AWS. What
requires replacement is the `createOnlyProperties` of AWS's resource schemas. MiniStack has no interface for further
types; `install` uses names that are private there, and `tests/unit/local/test_cloudformation.py` checks them.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError
from ministack.services.cloudformation import changesets, engine, provisioners, stacks

from binlocal.members import call

Properties = dict[str, Any]
Client = Callable[[str], Any]
Handler = dict[str, Any]
# A physical id, and the values of Fn::GetAtt.
Provisioned = tuple[str, dict[str, str]]

REPLACING: Mapping[str, tuple[str, ...]] = {
    "AWS::SageMaker::Model": (
        "Containers",
        "EnableNetworkIsolation",
        "ExecutionRoleArn",
        "InferenceExecutionConfig",
        "ModelName",
        "PrimaryContainer",
        "VpcConfig",
    ),
    "AWS::SageMaker::EndpointConfig": (
        "AsyncInferenceConfig",
        "DataCaptureConfig",
        "EnableNetworkIsolation",
        "EndpointConfigName",
        "ExecutionRoleArn",
        "ExplainerConfig",
        "KmsKeyId",
        "ProductionVariants",
        "ShadowProductionVariants",
        "VpcConfig",
    ),
    "AWS::SageMaker::Endpoint": ("EndpointName",),
    "AWS::ApplicationAutoScaling::ScalableTarget": ("ResourceId", "ScalableDimension", "ServiceNamespace"),
    "AWS::ApplicationAutoScaling::ScalingPolicy": (
        "PolicyName",
        "ResourceId",
        "ScalableDimension",
        "ScalingTargetId",
        "ServiceNamespace",
    ),
}
# What CloudFormation gives to UpdateEndpoint; CreateEndpoint takes no such thing.
ONLY_UPDATES = ("RetainAllVariantProperties", "RetainDeploymentConfig", "ExcludeRetainedVariantProperties")
ENDPOINT_SECONDS = 120.0
ENDPOINT_POLL_SECONDS = 0.1
MAX_NAME = 63


class ResourceError(Exception):
    """A resource could not be created, changed or deleted. The text becomes the reason of the stack's event."""


def install(client: Client) -> None:
    """`client` makes boto3 clients for the local SageMaker: `sagemaker` and `application-autoscaling`."""
    sagemaker = {f"AWS::SageMaker::{kind}": named(client, kind) for kind in ("Model", "EndpointConfig", "Endpoint")}
    handlers = {
        **sagemaker,
        "AWS::ApplicationAutoScaling::ScalableTarget": scalable_target(client),
        "AWS::ApplicationAutoScaling::ScalingPolicy": scaling_policy(client),
    }
    provisioners._RESOURCE_HANDLERS.update(handlers)
    provisioners._REPLACING_PROPERTIES.update(REPLACING)
    provisioners._CUSTOM_NAME_REPLACEMENT.update(
        {f"AWS::SageMaker::{kind}": {"name": f"{kind}Name"} for kind in ("Model", "EndpointConfig", "Endpoint")}
    )
    # Creating an endpoint publishes to SNS, which this same process has to serve meanwhile.
    waits = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda resource_type: resource_type in handlers or waits(resource_type)
    # MiniStack's change sets list resources whose condition is false. AWS's do not.
    resolved = changesets._resolve_props_for_diff

    def of_existing(template: Any, parameters: Any, stack_name: str, stack_id: str) -> Any:
        return resolved(without_unwanted(template, parameters), parameters, stack_name, stack_id)

    changesets._resolve_props_for_diff = of_existing


def without_unwanted(template: Any, parameters: Any) -> Any:
    """The template without the resources whose condition is false."""
    if not template:
        return template
    conditions = engine._evaluate_conditions(template, parameters)
    kept = {
        name: resource
        for name, resource in template.get("Resources", {}).items()
        if conditions.get(resource.get("Condition"), True)
    }
    return {**template, "Resources": kept}


def named(client: Client, kind: str) -> Handler:
    """The handler of a SageMaker resource, whose `Ref` is its ARN. An update is a replacement, except for endpoints."""
    name_of = f"{kind}Name"

    def create(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        members = {name: value for name, value in properties.items() if name not in ONLY_UPDATES}
        name = members.setdefault(name_of, generated_name(stack_name, logical_id))
        arn = request(client("sagemaker"), f"Create{kind}", members)[f"{kind}Arn"]
        if kind == "Endpoint":
            finish_creation(client("sagemaker"), name)
        return arn, {name_of: name}

    def update(physical_id: str, _: Properties, new: Properties, _stack_name: str) -> Provisioned:
        name = physical_name(physical_id, new, name_of)
        if kind == "Endpoint":
            update_endpoint(client("sagemaker"), name, new)
        return physical_id, {name_of: name}

    def delete(physical_id: str, properties: Properties) -> None:
        name = physical_name(physical_id, properties, name_of)
        delete_if_there(client("sagemaker"), f"Delete{kind}", {name_of: name})

    return {"create": create, "update": update, "delete": delete}


def generated_name(stack_name: str, logical_id: str) -> str:
    """In lower case: the ARN, from which `physical_name` reads it, has no other."""
    return f"{stack_name}-{logical_id}-{uuid.uuid4().hex[:12]}".lower()[-MAX_NAME:]


def physical_name(arn: str, properties: Properties, name_of: str) -> str:
    return str(properties.get(name_of) or arn.rpartition("/")[2])


def finish_creation(sagemaker: Any, name: str) -> None:
    """Waits until the endpoint is in service. Deletes one that failed, as CloudFormation's rollback does."""
    described = wait_for_endpoint(sagemaker, name)
    if described["EndpointStatus"] != "InService":
        sagemaker.delete_endpoint(EndpointName=name)
        raise ResourceError(described.get("FailureReason", f"The endpoint is {described['EndpointStatus']}."))


def update_endpoint(sagemaker: Any, name: str, properties: Properties) -> None:
    config = properties["EndpointConfigName"]
    if sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"] == config:
        return  # only what a later update uses has changed
    members = {key: properties[key] for key in (*ONLY_UPDATES, "DeploymentConfig") if key in properties}
    request(sagemaker, "UpdateEndpoint", {**members, "EndpointName": name, "EndpointConfigName": config})
    described = wait_for_endpoint(sagemaker, name)
    if described["EndpointConfigName"] != config:
        raise ResourceError(described.get("FailureReason", "The endpoint keeps its earlier configuration."))


def wait_for_endpoint(sagemaker: Any, name: str) -> Any:
    deadline = time.monotonic() + ENDPOINT_SECONDS
    while (found := sagemaker.describe_endpoint(EndpointName=name))["EndpointStatus"] in ("Creating", "Updating"):
        if time.monotonic() > deadline:
            raise ResourceError(f"The endpoint {name} is {found['EndpointStatus']} after {ENDPOINT_SECONDS:.0f} s.")
        time.sleep(ENDPOINT_POLL_SECONDS)
    return found


def scalable_target(client: Client) -> Handler:
    """`Ref` is `resource id|dimension|namespace`."""

    def register(_: str, properties: Properties, _stack_name: str) -> Provisioned:
        request(client("application-autoscaling"), "RegisterScalableTarget", properties)
        names = ("ResourceId", "ScalableDimension", "ServiceNamespace")
        return "|".join(properties[name] for name in names), {}

    def update(physical_id: str, _: Properties, new: Properties, stack_name: str) -> Provisioned:
        return register(physical_id, new, stack_name)

    def delete(physical_id: str, _: Properties) -> None:
        delete_if_there(client("application-autoscaling"), "DeregisterScalableTarget", target_of(physical_id))

    return {"create": register, "update": update, "delete": delete}


def scaling_policy(client: Client) -> Handler:
    """`Ref` is the policy's ARN."""

    def put(_: str, properties: Properties, _stack_name: str) -> Provisioned:
        members = {name: value for name, value in properties.items() if name != "ScalingTargetId"}
        members |= target_of(properties["ScalingTargetId"])
        return request(client("application-autoscaling"), "PutScalingPolicy", members)["PolicyARN"], {}

    def update(physical_id: str, _: Properties, new: Properties, stack_name: str) -> Provisioned:
        return put(physical_id, new, stack_name)

    def delete(_: str, properties: Properties) -> None:
        members = {"PolicyName": properties["PolicyName"], **target_of(properties["ScalingTargetId"])}
        delete_if_there(client("application-autoscaling"), "DeleteScalingPolicy", members)

    return {"create": put, "update": update, "delete": delete}


def target_of(physical_id: str) -> Properties:
    resource, dimension, namespace = physical_id.split("|")
    return {"ResourceId": resource, "ScalableDimension": dimension, "ServiceNamespace": namespace}


def request(client: Any, operation: str, members: Properties) -> Any:
    try:
        return call(client, operation, members)
    except ClientError as error:
        raise ResourceError(str(error)) from error


def delete_if_there(client: Any, operation: str, members: Properties) -> None:
    try:
        call(client, operation, members)
    except ClientError as error:
        text = str(error)
        if "Could not find" not in text and "ObjectNotFoundException" not in text:
            raise ResourceError(text) from error
