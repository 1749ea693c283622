"""What a CloudFormation change set would do, in words, and what of it endangers data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

# Resources that hold what nobody can make again.
DATA = {
    "AWS::Cognito::UserPool": "user pool",
    "AWS::DynamoDB::Table": "table",
    "AWS::KMS::Key": "key",
    "AWS::S3::Bucket": "bucket",
}
MODEL = "AWS::SageMaker::Model"


FATES = {
    True: "DELETES its data",
    False: "keeps its data, but outside the stack",
    None: "DELETES its data unless its policies say otherwise",
}


class Action(StrEnum):
    """What happens to a resource, the most dangerous first."""

    REPLACES = "replaces"
    MAY_REPLACE = "may replace"
    REMOVES = "removes"
    LEAVES = "leaves behind"
    CHANGES = "changes"
    IMPORTS = "imports"
    ADDS = "adds"


@dataclass(frozen=True)
class Change:
    """One resource of a change set. `deletes` says whether what it holds is deleted with it; None if not known."""

    action: Action
    resource: str
    type: str
    properties: tuple[str, ...] = ()
    deletes: bool | None = False

    @property
    def kind(self) -> str:
        """The resource type in a word or two: AWS::S3::BucketPolicy is `S3 BucketPolicy`."""
        return " ".join(self.type.split("::")[1:])

    @property
    def warning(self) -> str:
        """What a person must know before this change is made; "" if nothing."""
        if self.type in DATA and self.action in (Action.REPLACES, Action.MAY_REPLACE, Action.REMOVES, Action.LEAVES):
            fate = FATES[self.deletes]
            new = ". The new one is empty" if "replace" in self.action else ""
            return f"This {self.action} the {DATA[self.type]} {self.resource} and {fate}{new}."
        if self.type == MODEL and self.action is Action.REPLACES and "ModelName" not in self.properties:
            return "The model changes but its name does not, which SageMaker refuses. Give another ModelVersion."
        return ""


def change_of(found: Mapping[str, Any]) -> Change:
    """A ResourceChange of DescribeChangeSet."""
    targets = (detail.get("Target", {}) for detail in found.get("Details", []))
    names = {target.get("Name") or target.get("Attribute", "") for target in targets}
    policy = found.get("PolicyAction")
    return Change(
        action=_action(found, policy),
        resource=found["LogicalResourceId"],
        type=found["ResourceType"],
        properties=tuple(sorted(names - {""})),
        deletes=policy in ("Delete", "ReplaceAndDelete") if policy else None,
    )


def _action(found: Mapping[str, Any], policy: str | None) -> Action:
    match found["Action"], found.get("Replacement"):
        case "Add", _:
            return Action.ADDS
        case "Import", _:
            return Action.IMPORTS
        case "Remove", _:
            return Action.LEAVES if policy == "Retain" else Action.REMOVES
        case _, "True":
            return Action.REPLACES
        case _, "Conditional":
            return Action.MAY_REPLACE
    return Action.CHANGES


def read_changes(cloudformation: Any, stack: str, change_set: str) -> list[Change]:
    """The changes of a change set, the most dangerous first."""
    pages = cloudformation.get_paginator("describe_change_set").paginate(StackName=stack, ChangeSetName=change_set)
    changes = [change_of(each["ResourceChange"]) for page in pages for each in page.get("Changes", [])]
    order = list(Action)
    return sorted(changes, key=lambda change: (order.index(change.action), change.resource))


def warnings_of(changes: Iterable[Change]) -> list[str]:
    return [change.warning for change in changes if change.warning]


def sentences(changes: Sequence[Change]) -> Iterator[str]:
    """Each change in a line, except what is added: that is summed up by kind."""
    for change in changes:
        if change.action is not Action.ADDS:
            what = f": {', '.join(change.properties)}" if change.properties else ""
            yield f"{change.action} {change.resource} ({change.kind}){what}"
    added = Counter(change.kind for change in changes if change.action is Action.ADDS)
    if added:
        yield f"adds {added.total():,}: " + ", ".join(f"{number} {kind}" for kind, number in added.most_common())
