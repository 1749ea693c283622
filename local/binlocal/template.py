"""Splits template.yaml between MiniStack and the local SageMaker, and resolves the SageMaker resources' properties.

MiniStack rejects AWS::SageMaker::* and AWS::ApplicationAutoScaling::*, so these resources are removed from the
template. Their properties refer to other resources (buckets, topics, parameters). An extra output makes CloudFormation
resolve those values; this module itself resolves only Fn::If and the references between the removed resources.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from samtranslator.yaml_helper import intrinsics_multi_constructor

from binlocal.errors import TemplateError

Node = Any
REMOVED = ("AWS::SageMaker::", "AWS::ApplicationAutoScaling::")
VALUES_OUTPUT = "LocalSageMakerValues"
SEPARATOR = "\n"
NO_VALUE = {"Ref": "AWS::NoValue"}


@dataclass(frozen=True)
class SplitTemplate:
    """`stack` is for CloudFormation, `sagemaker` (by logical id) for the local SageMaker. `skipped` is not deployed."""

    stack: dict[str, Any]
    sagemaker: dict[str, dict[str, Any]]
    skipped: tuple[str, ...]
    expressions: tuple[Node, ...]


@cache
def loader() -> type[yaml.CSafeLoader]:
    """YAML with CloudFormation's short forms, such as `!Ref`. By libyaml, which takes a tenth of the time."""

    class TemplateLoader(yaml.CSafeLoader):
        pass

    TemplateLoader.add_multi_constructor("!", intrinsics_multi_constructor)
    return TemplateLoader


def load_template(path: Path) -> dict[str, Any]:
    template: dict[str, Any] = yaml.load(path.read_text(), loader())  # noqa: S506  (it is a safe loader)
    return template


def split_template(template: Mapping[str, Any]) -> SplitTemplate:
    resources: Mapping[str, Any] = template["Resources"]
    removed = {name for name, resource in resources.items() if resource["Type"].startswith(REMOVED)}
    alarms = {name for name, resource in resources.items() if _is_alarm(resource) and removed & references(resource)}
    kept = {name: resource for name, resource in resources.items() if name not in removed | alarms}
    sagemaker = {name: resources[name] for name in resources if resources[name]["Type"].startswith("AWS::SageMaker::")}
    wanted = tuple(expressions(list(sagemaker.values()), removed))
    _check_references({**kept, "Outputs": template.get("Outputs", {}), "A SageMaker resource": [*wanted]}, removed)
    stack = {**template, "Resources": kept}
    if wanted:
        stack["Outputs"] = {**template.get("Outputs", {}), VALUES_OUTPUT: values_output(wanted)}
    return SplitTemplate(stack, sagemaker, tuple(sorted((removed | alarms) - set(sagemaker))), wanted)


def _is_alarm(resource: Mapping[str, Any]) -> bool:
    return bool(resource["Type"] == "AWS::CloudWatch::Alarm")


def _check_references(kept: Mapping[str, Any], removed: set[str]) -> None:
    for name, resource in kept.items():
        if missing := removed & references(resource):
            raise TemplateError(
                f"{name} refers to {', '.join(sorted(missing))}, which the local stack removes from the "
                "template. Build the name with Fn::Sub instead."
            )


def references(node: Node) -> set[str]:
    """The logical ids and parameters that Ref, Fn::GetAtt, Fn::Sub and DependsOn name anywhere in `node`."""
    if isinstance(node, list):
        return set().union(*map(references, node))
    if not isinstance(node, dict):
        return set()
    found = set().union(*map(references, node.values()))
    for key, value in node.items():
        found |= _named(key, value)
    return found


def _named(key: str, value: Node) -> set[str]:
    match key, value:
        case "Ref", str():
            return {value}
        case "Fn::GetAtt", [str(name), *_]:
            return {name}
        case "Fn::Sub", str() | [str(), *_]:
            text = value if isinstance(value, str) else value[0]
            return {part.split("}")[0].split(".")[0] for part in text.split("${")[1:]}
        case "DependsOn", str() | list():
            return {value} if isinstance(value, str) else set(value)
    return set()


def values_output(wanted: tuple[Node, ...]) -> dict[str, Any]:
    return {
        "Description": "Values for the local SageMaker.",
        "Value": {"Fn::Join": [SEPARATOR, list(wanted)]},
    }


def expressions(node: Node, local: set[str]) -> Iterator[Node]:
    """The intrinsic functions in `node` that only CloudFormation can resolve. A condition is given as Fn::If."""
    if isinstance(node, list):
        for item in node:
            yield from expressions(item, local)
    elif isinstance(node, dict):
        yield from _expressions_of_mapping(node, local)


def _expressions_of_mapping(node: dict[str, Node], local: set[str]) -> Iterator[Node]:
    if isinstance(node.get("Condition"), str) and "Type" in node:
        yield truth_of(node["Condition"])
    if "Fn::If" in node:
        condition, *branches = node["Fn::If"]
        yield truth_of(condition)
        yield from expressions(branches, local)
    elif not is_intrinsic(node):
        yield from expressions(list(node.values()), local)
    elif node != NO_VALUE and not _is_local(node, local):
        yield node


def resolve(node: Node, values: Mapping[str, str], created: Mapping[str, Mapping[str, str]]) -> Node:
    """`node` with all intrinsic functions resolved. `values` is keyed by `key_of`, `created` by logical id."""
    if isinstance(node, list):
        return [item for item in (resolve(item, values, created) for item in node) if item != NO_VALUE]
    if not isinstance(node, dict) or node == NO_VALUE:
        return node
    if "Fn::If" in node:
        condition, yes, no = node["Fn::If"]
        return resolve(yes if is_true(condition, values) else no, values, created)
    if is_intrinsic(node):
        return created_value(node, created) if _is_local(node, set(created)) else values[key_of(node)]
    resolved = {key: resolve(value, values, created) for key, value in node.items()}
    return {key: value for key, value in resolved.items() if value != NO_VALUE}


def created_value(node: Node, created: Mapping[str, Mapping[str, str]]) -> str:
    name, attribute = (node["Ref"], "Ref") if "Ref" in node else node["Fn::GetAtt"]
    return created[name][attribute]


def is_true(condition: str, values: Mapping[str, str]) -> bool:
    return values[key_of(truth_of(condition))] == "true"


def truth_of(condition: str) -> Node:
    return {"Fn::If": [condition, "true", "false"]}


def key_of(expression: Node) -> str:
    return json.dumps(expression, sort_keys=True)


def is_intrinsic(node: dict[str, Node]) -> bool:
    (key, *others) = node or [""]
    return not others and (key == "Ref" or key.startswith("Fn::"))


def _is_local(node: Node, local: set[str]) -> bool:
    return ("Ref" in node or "Fn::GetAtt" in node) and bool(references(node) & local)
