"""Questions that the tests ask of the template."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tests.template.deployed import stack

STACK = stack()
STATEFUL = ("AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::DynamoDB::Table", "AWS::KMS::Key")
FUNCTIONS = {
    "IntakeFunction",
    "SubmitFunction",
    "CollectFunction",
    "OrdersFunction",
    "ReconcileFunction",
    "DeskFunction",
    "ModelFunction",
}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def properties_of(kind: str) -> dict[str, Any]:
    found = STACK.of_type(kind)
    assert found, f"the template has no {kind}: this test would check nothing"
    return found


def statements(effect: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each policy statement with that effect, and the logical id of the resource that holds it."""
    for name, resource in STACK.resources.items():
        for document in policy_documents(resource["Properties"]):
            yield from ((name, statement) for statement in document["Statement"] if statement["Effect"] == effect)


def policy_documents(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for item in node:
            yield from policy_documents(item)
    elif isinstance(node, dict):
        if "Statement" in node:
            yield node
        for item in node.values():
            yield from policy_documents(item)


def to_services(effect: str = "Allow") -> Iterator[tuple[str, dict[str, Any]]]:
    """Statements of resource-based policies that let an AWS service in."""
    for name, statement in statements(effect):
        principal = statement.get("Principal", {})
        if (
            isinstance(principal, dict)
            and "Service" in principal
            and "sts:AssumeRole" not in listed(statement["Action"])
        ):
            yield name, statement


def condition_keys(statement: dict[str, Any]) -> dict[str, Any]:
    return {key: value for keys in statement.get("Condition", {}).values() for key, value in keys.items()}


def sources_of(kind: str) -> dict[str, Any]:
    """Event source mappings of a service: `sqs` or `dynamodb`."""
    mappings = properties_of("AWS::Lambda::EventSourceMapping")
    found = {name: mapping for name, mapping in mappings.items() if mapping["EventSourceArn"].split(":")[2] == kind}
    assert found
    return found


def queue_of(arn: str) -> dict[str, Any]:
    return next(
        queue for name, queue in properties_of("AWS::SQS::Queue").items() if STACK.resolve(get_arn(name)) == arn
    )


def get_arn(name: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, "Arn"]}


def function_named(name: str) -> dict[str, Any]:
    return next(f for f in properties_of("AWS::Lambda::Function").values() if f["FunctionName"] == name)


def missing(names: Iterable[str], wanted: Iterable[str]) -> list[str]:
    return sorted(set(wanted) - set(names))
