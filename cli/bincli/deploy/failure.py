"""Why a deployment failed, from CloudFormation's events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bincli.deploy.sam import Target
from bincli.errors import CommandError
from bincli.programs import Programs

BEGINS = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"})  # of the stack itself: the operation starts
CONSEQUENCE = "cancelled"  # "Resource creation cancelled", because another resource failed
Event = Mapping[str, Any]


def run_deployment(programs: Programs, cloudformation: Any, target: Target, parameters: Mapping[str, str]) -> None:
    """Raises CommandError with the resource that failed first, if CloudFormation names one."""
    try:
        programs.run(target.deploy_argv(parameters))
    except CommandError as error:
        raise CommandError(" ".join(filter(None, (str(error), first_failure(cloudformation, target.stack))))) from error


def first_failure(cloudformation: Any, stack: str) -> str:
    """The resource that failed first in the last operation and why, as a sentence; "" if none did or nothing is known.

    Events come newest first:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        failed = [event for event in _last_operation(cloudformation, stack) if _is_cause(event)]
    except (ClientError, BotoCoreError):
        return ""
    if not failed:
        return ""
    first = failed[-1]
    reason = first.get("ResourceStatusReason", "CloudFormation gives no reason.")
    return f"{first['LogicalResourceId']} ({first['ResourceType']}) failed: {reason}"


def _last_operation(cloudformation: Any, stack: str) -> Iterator[Event]:
    """The events since the stack's last create or update began, the newest first."""
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack):
        for event in page["StackEvents"]:
            yield event
            if _is_stack(event) and event["ResourceStatus"] in BEGINS:
                return


def _is_stack(event: Event) -> bool:
    return bool(event.get("PhysicalResourceId") == event["StackId"])


def _is_cause(event: Event) -> bool:
    is_failure = event["ResourceStatus"].endswith("_FAILED") and not _is_stack(event)
    return is_failure and CONSEQUENCE not in event.get("ResourceStatusReason", "")
