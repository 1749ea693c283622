from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from bincli.deploy.failure import first_failure, run_deployment
from bincli.deploy.sam import Target
from bincli.errors import CommandError
from botocore.exceptions import ClientError

from tests.unit.cli.programs import FakePrograms

STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/prod/1"


def event(status: str, name: str = "prod", reason: str = "") -> dict[str, Any]:
    kind = "AWS::CloudFormation::Stack" if name == "prod" else "AWS::SageMaker::Endpoint"
    found = {"StackId": STACK, "LogicalResourceId": name, "ResourceType": kind, "ResourceStatus": status}
    found["PhysicalResourceId"] = STACK if name == "prod" else f"prod-{name}"
    return found | ({"ResourceStatusReason": reason} if reason else {})


def events(*newest_first: dict[str, Any]) -> Any:
    def paginate(**request: str) -> Any:
        assert request == {"StackName": "prod"}
        return ({"StackEvents": [each]} for each in newest_first)

    return SimpleNamespace(get_paginator=lambda operation: SimpleNamespace(paginate=paginate))


FAILED = [
    event("ROLLBACK_COMPLETE"),
    event("CREATE_FAILED", "Rule", "Resource creation cancelled"),
    event("CREATE_FAILED", "Endpoint", "The account-level service limit is 0 Instances."),
    event("CREATE_IN_PROGRESS", "Endpoint"),
    event("CREATE_IN_PROGRESS"),
    event("UPDATE_FAILED", "Queue", "of an earlier operation"),
]


def test_the_resource_that_failed_first_is_named() -> None:
    found = first_failure(events(*FAILED), "prod")

    assert found == "Endpoint (AWS::SageMaker::Endpoint) failed: The account-level service limit is 0 Instances."


def test_a_failure_without_a_reason_is_named_too() -> None:
    assert "gives no reason" in first_failure(events(event("UPDATE_FAILED", "Endpoint")), "prod")


def test_where_no_resource_failed_nothing_is_made_up() -> None:
    assert first_failure(events(event("UPDATE_ROLLBACK_FAILED"), event("UPDATE_IN_PROGRESS")), "prod") == ""


def test_a_failed_deployment_says_why() -> None:
    programs = FakePrograms(failing=[""])

    with pytest.raises(CommandError, match=r"failed Endpoint \(AWS::SageMaker::Endpoint\) failed: The account"):
        run_deployment(programs, events(*FAILED), Target("prod", "eu-west-1"), {})


def test_events_that_can_not_be_read_hide_nothing() -> None:
    def refuse(operation: str) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, operation)

    assert first_failure(SimpleNamespace(get_paginator=refuse), "prod") == ""
