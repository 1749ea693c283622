"""CloudFormation in memory: stacks with a status, change sets that wait, and resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError


class FakeCloudFormation:
    """One stack. `status` is None if it does not exist; `changes` are those of the next change set."""

    def __init__(self, status: str | None = None, *, parameters: Mapping[str, str] | None = None) -> None:
        self.meta = SimpleNamespace(
            endpoint_url="https://cloudformation.eu-west-1.amazonaws.com", region_name="eu-west-1"
        )
        self.status, self.parameters = status, dict(parameters or {})
        self.changes: list[dict[str, Any]] = []
        self.change_sets: dict[str, list[dict[str, Any]]] = {}
        self.resources: list[dict[str, str]] = []
        self.template: dict[str, Any] = {"Resources": {}}
        self.outputs = {"IntakeBucket": "intake"}
        self.deleted = 0

    def create_change_set(self) -> None:
        self.status = "REVIEW_IN_PROGRESS" if self.status in (None, "DELETE_COMPLETE") else self.status
        self.change_sets[f"arn:{len(self.change_sets)}"] = list(self.changes)

    def execute(self, parameters: Mapping[str, str]) -> None:
        self.status = "CREATE_COMPLETE" if self.status in (None, "REVIEW_IN_PROGRESS") else "UPDATE_COMPLETE"
        self.parameters |= parameters

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        by_arn = StackName.startswith("arn:stack/")
        if self.status is None or (self.status == "DELETE_COMPLETE" and not by_arn):
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "does not exist"}}, "DescribeStacks")
        name = StackName.removeprefix("arn:stack/")
        stack = {"StackName": name, "StackId": f"arn:stack/{name}", "StackStatus": self.status}
        stack["Parameters"] = [{"ParameterKey": k, "ParameterValue": v} for k, v in self.parameters.items()]
        outputs = [{"OutputKey": key, "OutputValue": f"{name}-{value}"} for key, value in self.outputs.items()]
        return {"Stacks": [stack | {"Outputs": outputs}]}

    def get_template(self, **request: str) -> dict[str, Any]:
        return {"TemplateBody": self.template}

    def delete_change_set(self, StackName: str, ChangeSetName: str) -> None:  # noqa: N803
        del self.change_sets[ChangeSetName]

    def delete_stack(self, StackName: str) -> None:  # noqa: N803
        self.deleted += 1
        self.status = "DELETE_COMPLETE"
        kept = {name for name, each in self.template["Resources"].items() if "Retain" in each.get("DeletionPolicy", "")}
        for each in self.resources:
            each["ResourceStatus"] = "DELETE_SKIPPED" if each["LogicalResourceId"] in kept else "DELETE_COMPLETE"

    def get_waiter(self, name: str) -> Any:
        return SimpleNamespace(wait=lambda **request: None)

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=lambda **request: self._pages(operation, request))

    def _pages(self, operation: str, request: Mapping[str, str]) -> Iterator[dict[str, Sequence[Any]]]:
        match operation:
            case "list_change_sets":
                yield {"Summaries": [{"ChangeSetId": name} for name in self.change_sets]}
            case "describe_change_set":
                for change in self.change_sets[request["ChangeSetName"]]:
                    yield {"Changes": [{"ResourceChange": change}]}
            case "list_stack_resources":
                yield {"StackResourceSummaries": self.resources}
            case "list_stacks":
                gone = {"StackName": "prod", "StackId": "arn:stack/prod", "StackStatus": "DELETE_COMPLETE"}
                older = gone | {"StackId": "arn:stack/older", "DeletionTime": "2026-05-03T12:00:00Z"}
                newest = gone | {"DeletionTime": "2026-05-04T12:00:00Z"}
                yield {"StackSummaries": [older, newest] if self.status == "DELETE_COMPLETE" else []}
            case _:
                raise AssertionError(operation)
