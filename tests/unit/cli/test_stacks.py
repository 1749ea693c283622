from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from bincli.stacks import describe_stack
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from tests.unit.functions.aws import client

ARN = "arn:aws:cloudformation:us-east-1:123456789012:stack/prod/1"
STACK = {
    "StackName": "prod",
    "StackId": ARN,
    "StackStatus": "CREATE_COMPLETE",
    "CreationTime": "2026-05-04T12:00:00Z",
    "Parameters": [{"ParameterKey": "Size", "ParameterValue": "2"}],
    "Outputs": [{"OutputKey": "Topic", "OutputValue": "prod-topic"}],
}


@contextmanager
def answering(response: dict[str, Any] | None, code: str = "") -> Iterator[Any]:
    cloudformation = client("cloudformation")
    with Stubber(cloudformation) as stub:
        if response is None:
            stub.add_client_error("describe_stacks", code)
        else:
            stub.add_response("describe_stacks", response, {"StackName": "prod"})
        yield cloudformation


def test_a_stack_has_its_parameters_and_outputs() -> None:
    with answering({"Stacks": [STACK]}) as cloudformation:
        stack = describe_stack(cloudformation, "prod")

    assert stack is not None
    assert (stack.name, stack.arn, stack.status, stack.is_ready) == ("prod", ARN, "CREATE_COMPLETE", True)
    assert (stack.parameters, stack.outputs) == ({"Size": "2"}, {"Topic": "prod-topic"})


def test_no_stack_of_that_name_is_none() -> None:
    with answering(None, "ValidationError") as cloudformation:
        assert describe_stack(cloudformation, "prod") is None


def test_credentials_that_are_refused_are_no_missing_stack() -> None:
    with answering(None, "ExpiredToken") as cloudformation, pytest.raises(ClientError):
        describe_stack(cloudformation, "prod")


@pytest.mark.parametrize(
    ("status", "ready"),
    [("UPDATE_ROLLBACK_COMPLETE", True), ("ROLLBACK_COMPLETE", False), ("UPDATE_IN_PROGRESS", False)],
)
def test_a_stack_is_ready_if_cloudformation_would_update_it(status: str, ready: bool) -> None:
    with answering({"Stacks": [STACK | {"StackStatus": status}]}) as cloudformation:
        stack = describe_stack(cloudformation, "prod")

    assert stack is not None
    assert stack.is_ready is ready
