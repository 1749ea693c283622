"""template.yaml as CloudFormation sees it: transformed by SAM, conditions and intrinsic functions resolved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from binlocal.template import load_template
from samtranslator.translator.transform import transform

ROOT = Path(__file__).resolve().parents[2]
PSEUDO = {
    "AWS::AccountId": "000000000000",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "bintally",
    "AWS::NoValue": None,
    "AWS::URLSuffix": "amazonaws.com",
}
AT = f"{PSEUDO['AWS::Region']}:{PSEUDO['AWS::AccountId']}"
ARNS = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{AT}:table/{{}}",
    "AWS::Events::Rule": f"arn:aws:events:{AT}:rule/{{}}",
    "AWS::Events::Connection": f"arn:aws:events:{AT}:connection/{{}}",
    "AWS::Events::ApiDestination": f"arn:aws:events:{AT}:api-destination/{{}}",
    "AWS::SecretsManager::Secret": f"arn:aws:secretsmanager:{AT}:secret:{{}}",
    "AWS::IAM::Role": f"arn:aws:iam::{PSEUDO['AWS::AccountId']}:role/{{}}",
    "AWS::KMS::Key": f"arn:aws:kms:{AT}:key/{{}}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{AT}:function:{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{AT}:log-group:{{}}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SNS::Topic": f"arn:aws:sns:{AT}:{{}}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{AT}:{{}}",
}
NAMES = ("BucketName", "FunctionName", "LogGroupName", "QueueName", "TableName", "TopicName")


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


@cache
def source() -> Mapping[str, Any]:
    """The template as it is written."""
    return MappingProxyType(load_template(ROOT / "template.yaml"))


@cache
def _transformed() -> Mapping[str, Any]:
    template = load_template(ROOT / "template.yaml")
    template["Globals"]["Function"]["CodeUri"] = "s3://code/functions.zip"
    template["Resources"]["ModelFunction"]["Properties"]["CodeUri"] = "s3://code/model.zip"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", PSEUDO["AWS::Region"] or "")
        return MappingProxyType(transform(template, {}, _NoManagedPolicies()))


class Stack:
    """The stack `bintally` of account 000000000000, deployed with `parameters`, the others at their defaults."""

    def __init__(self, **parameters: str) -> None:
        template = _transformed()
        defaults = {name: str(facts.get("Default", "")) for name, facts in template["Parameters"].items()}
        self._values = PSEUDO | defaults | parameters
        self._conditions = template["Conditions"]
        self._all = template["Resources"]
        kept = {name: resource for name, resource in self._all.items() if self._wanted(resource)}
        self.resources: dict[str, Any] = {name: self.resolve(resource) for name, resource in kept.items()}
        self.outputs: dict[str, str] = {
            name: self.resolve(output["Value"]) for name, output in template["Outputs"].items() if self._wanted(output)
        }

    def of_type(self, kind: str) -> dict[str, Any]:
        """The properties of every resource of a type, by logical id."""
        return {name: r.get("Properties", {}) for name, r in self.resources.items() if r["Type"] == kind}

    def environment(self, function: str) -> dict[str, str]:
        """The environment variables of a function, named by its logical id."""
        return dict(self.resources[function]["Properties"]["Environment"]["Variables"])

    def resolve(self, node: Any) -> Any:
        """`node` with every intrinsic function replaced by its value; what is AWS::NoValue is gone."""
        if isinstance(node, list):
            return [value for value in map(self.resolve, node) if value is not None]
        if not isinstance(node, Mapping):
            return node
        if len(node) == 1:
            name, argument = next(iter(node.items()))
            if name == "Ref" or name.startswith("Fn::"):
                return self._call(name, argument)
        resolved = {name: value if name == "Condition" else self.resolve(value) for name, value in node.items()}
        if isinstance(node.get("Condition"), Mapping):  # of a policy's statement
            resolved["Condition"] = self.resolve(node["Condition"])
        return {name: value for name, value in resolved.items() if value is not None}

    def _call(self, name: str, argument: Any) -> Any:
        match name:
            case "Ref":
                return self._ref(argument)
            case "Fn::GetAtt":
                return self._attribute(*(argument if isinstance(argument, list) else argument.split(".", 1)))
            case "Fn::Sub":
                text, given = argument if isinstance(argument, list) else (argument, {})
                return re.sub(r"\$\{([^!}]+)}", lambda match: str(self._named(match[1], self.resolve(given))), text)
            case "Fn::Join":
                return argument[0].join(self.resolve(argument[1]))
            case "Fn::Select":
                return self.resolve(argument[1])[int(argument[0])]
            case "Fn::Split":
                return self.resolve(argument[1]).split(argument[0])
            case "Fn::If":
                return self.resolve(argument[1 if self._holds(argument[0]) else 2])
        raise NotImplementedError(f"{name}: add it to this resolver")

    def _named(self, name: str, given: Mapping[str, str]) -> Any:
        if name in given:
            return given[name]
        return self._attribute(*name.split(".", 1)) if "." in name else self._ref(name)

    def _ref(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        match self._all[name]["Type"]:
            case "AWS::SNS::Topic":
                return self._arn(name)
            case "AWS::SQS::Queue":
                region, account = PSEUDO["AWS::Region"], PSEUDO["AWS::AccountId"]
                return f"https://sqs.{region}.amazonaws.com/{account}/{self._physical_name(name)}"
        return self._physical_name(name)

    def _attribute(self, name: str, attribute: str) -> str:
        if attribute in ("Arn", "TopicArn"):
            return self._arn(name)
        return f"{self._arn(name)}/stream/1" if attribute == "StreamArn" else self._physical_name(name)

    def _arn(self, name: str) -> str:
        return ARNS[self._all[name]["Type"]].format(self._physical_name(name))

    def _physical_name(self, name: str) -> str:
        properties = self._all[name].get("Properties", {})
        given = next((properties[key] for key in NAMES if key in properties), None)
        return self.resolve(given) if given is not None else f"{PSEUDO['AWS::StackName']}-{name}"

    def _wanted(self, thing: Mapping[str, Any]) -> bool:
        return "Condition" not in thing or self._holds(thing["Condition"])

    def _holds(self, condition: Any) -> bool:
        if isinstance(condition, str):
            return self._holds(self._conditions[condition])
        match next(iter(condition.items())):
            case ("Fn::Equals", [one, other]):
                return bool(self.resolve(one) == self.resolve(other))
            case ("Fn::Not", [inner]):
                return not self._holds(inner)
            case ("Fn::And", inner):
                return all(map(self._holds, inner))
            case ("Fn::Or", inner):
                return any(map(self._holds, inner))
            case ("Condition", name):
                return self._holds(name)
        raise NotImplementedError(f"{condition}: add it to this resolver")


@cache
def stack() -> Stack:
    """The stack with all that is optional: a model, an address for alerts and a webhook. Else as the local one."""
    image = "000000000000.dkr.ecr.us-east-1.amazonaws.com/bintally:1"
    return Stack(ModelImageUri=image, AlertEmail="a@example.com", WebhookUrl="https://example.com/bintally")


@cache
def stack_without_model() -> Stack:
    """The stack with every parameter at its default."""
    return Stack()
