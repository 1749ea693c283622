"""Deploys template.yaml unchanged to the local stack: MiniStack's CloudFormation and the local SageMaker share it."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from binlocal.errors import DeployError
from binlocal.members import call
from binlocal.packaging import package_code
from binlocal.template import (
    SEPARATOR,
    VALUES_OUTPUT,
    SplitTemplate,
    is_true,
    key_of,
    load_template,
    resolve,
    split_template,
)

Client = Callable[[str], Any]
LOCAL_IMAGE = "local/bintally-counter"
STACK_SECONDS = 60.0
# What CloudFormation gives to UpdateEndpoint; creating takes no such thing.
FOR_UPDATES = {"RetainAllVariantProperties"}


@dataclass(frozen=True)
class Deployment:
    """The stack's outputs, its SageMaker endpoints, and the resources that have no local equivalent."""

    outputs: dict[str, str]
    endpoints: tuple[str, ...]
    skipped: tuple[str, ...]


def deploy(client: Client, stack_name: str, template_path: Path, parameters: Mapping[str, str]) -> Deployment:
    """Creates the stack, then its model and endpoint. CodeUri is relative to the template, as for `sam`.

    Parameters that the template does not have are ignored. ModelImageUri defaults to a local name.
    """
    template = load_template(template_path)
    split = split_template(template)
    bucket = f"{stack_name}-deployment"
    s3 = client("s3")
    s3.create_bucket(Bucket=bucket)

    def upload(name: str, body: bytes) -> dict[str, str]:
        s3.put_object(Bucket=bucket, Key=name, Body=body)
        return {"Bucket": bucket, "Key": name}

    packaged = package_code(split.stack, template_path.parent, upload)
    upload("template.json", json.dumps(packaged, default=str).encode())
    given = {"ModelImageUri": LOCAL_IMAGE, **parameters}
    known = {name: value for name, value in given.items() if name in template.get("Parameters", {})}
    url = f"{s3.meta.endpoint_url}/{bucket}/template.json"
    outputs = create_stack(client("cloudformation"), stack_name, url, known)
    endpoints = create_endpoints(client("sagemaker"), stack_name, split, outputs.pop(VALUES_OUTPUT, ""))
    return Deployment(outputs, endpoints, split.skipped)


def create_stack(cloudformation: Any, name: str, url: str, parameters: Mapping[str, str]) -> dict[str, str]:
    cloudformation.create_stack(
        StackName=name,
        TemplateURL=url,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        OnFailure="DO_NOTHING",
    )
    deadline = time.monotonic() + STACK_SECONDS
    while (stack := cloudformation.describe_stacks(StackName=name)["Stacks"][0])["StackStatus"] != "CREATE_COMPLETE":
        if not stack["StackStatus"].endswith("IN_PROGRESS") or time.monotonic() > deadline:
            raise DeployError(explain(stack, failures(cloudformation, name)))
        time.sleep(0.05)
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def failures(cloudformation: Any, name: str) -> list[str]:
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return [
        f"{event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', 'no reason')}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("FAILED")
    ]


def explain(stack: Mapping[str, Any], reasons: list[str]) -> str:
    lines = reasons or [stack.get("StackStatusReason", "no reason given")]
    return f"The stack {stack['StackName']} ended in {stack['StackStatus']}:\n" + "\n".join(lines)


def create_endpoints(sagemaker: Any, stack_name: str, split: SplitTemplate, joined: str) -> tuple[str, ...]:
    """Creates the template's SageMaker resources in the order of their dependencies. Returns the endpoints' names.

    `joined` holds the values of `split.expressions`.
    """
    values = (
        dict(zip(map(key_of, split.expressions), joined.split(SEPARATOR), strict=True)) if split.expressions else {}
    )
    created: dict[str, dict[str, str]] = {}
    for kind in ("Model", "EndpointConfig", "Endpoint"):
        for logical_id, resource in split.sagemaker.items():
            wanted = "Condition" not in resource or is_true(resource["Condition"], values)
            if resource["Type"] == f"AWS::SageMaker::{kind}" and wanted:
                members = resolve(resource["Properties"], values, created)
                created[logical_id] = create_resource(sagemaker, kind, f"{stack_name}-{logical_id}", members)
    return tuple(attributes["EndpointName"] for attributes in created.values() if "EndpointName" in attributes)


def create_resource(sagemaker: Any, kind: str, default_name: str, members: dict[str, Any]) -> dict[str, str]:
    """The new resource's attributes: its ARN as `Ref`, and its name."""
    named = {f"{kind}Name": default_name} | {name: v for name, v in members.items() if name not in FOR_UPDATES}
    response = call(sagemaker, f"Create{kind}", named)
    return {"Ref": response[f"{kind}Arn"], f"{kind}Name": named[f"{kind}Name"]}
