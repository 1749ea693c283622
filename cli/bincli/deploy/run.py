"""Deploying a stack: what it would change, and the change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bincli.deploy.changes import Change, read_changes
from bincli.deploy.sam import Target
from bincli.errors import CommandError
from bincli.programs import Programs
from bincli.stacks import FAILED_CREATE, PLANNED, StackDescription, describe_stack

ADVICE = {
    "ROLLBACK_FAILED": "Delete it: `aws cloudformation delete-stack --stack-name {name}`, then deploy again.",
    "DELETE_FAILED": "Its events say what could not be deleted. Repair that, delete the stack again, then deploy.",
    "UPDATE_ROLLBACK_FAILED": "`aws cloudformation continue-update-rollback --stack-name {name}`, then deploy again.",
}


def find_stack(cloudformation: Any, name: str) -> StackDescription | None:
    """The stack if it can be updated or was rolled back after its first create; None if it is new.

    Raises CommandError, with what to do, for a stack in any other state.
    """
    stack = describe_stack(cloudformation, name)
    if stack is None or stack.status == PLANNED:
        return None
    if stack.is_ready or stack.status == FAILED_CREATE:
        return stack
    advice = ADVICE.get(stack.status, "Something else is changing it. Wait until that has ended.").format(name=name)
    raise CommandError(f"The stack {name} can't be deployed: it is in {stack.status}. {advice}")


def check_ours(stack: StackDescription) -> None:
    """Raises CommandError for a stack that `bintally deploy` would spoil."""
    from binlocal.template import VALUES_OUTPUT

    if "IntakeBucket" not in stack.outputs:
        raise CommandError(f"The stack {stack.name} is not a bintally stack. Choose another --stack.")
    if VALUES_OUTPUT in stack.outputs:
        raise CommandError(
            f"`bintally up` made the stack {stack.name}, in parts. To rehearse a deployment beside it, choose another "
            "--stack. For AWS, `unset AWS_PROFILE AWS_CONFIG_FILE`."
        )


def check_names(dynamodb: Any, name: str) -> None:
    """Raises CommandError if a table has the name that a new stack gives its own: the create would fail."""
    ours = {f"{name}-{table}" for table in ("images", "bins", "consignments", "jobs", "decisions")}
    pages = dynamodb.get_paginator("list_tables").paginate()
    if found := sorted(ours & {table for page in pages for table in page["TableNames"]}):
        raise CommandError(
            f"An earlier stack {name} left data behind, such as the table {found[0]}, and a new one needs its names. "
            f"Choose another --stack, or delete the data for good: `bintally destroy --stack {name} --delete-data`."
        )


def remove_failed_create(cloudformation: Any, stack: StackDescription) -> None:
    """Delete a stack whose first create was rolled back. Raises CommandError if that create left something behind."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack.arn)
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    left = [each for each in resources if each["ResourceStatus"] != "DELETE_COMPLETE"]
    if left:
        names = ", ".join(each.get("PhysicalResourceId") or each["LogicalResourceId"] for each in left)
        raise CommandError(
            f"The first create of {stack.name} failed and left behind {names}. Delete these and the stack, then deploy."
        )
    delete_stack(cloudformation, stack)


def delete_stack(cloudformation: Any, stack: StackDescription) -> None:
    """Delete a stack and wait until it is gone. Raises CommandError if it could not be deleted."""
    from botocore.exceptions import WaiterError

    cloudformation.delete_stack(StackName=stack.name)
    try:
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack.arn)
    except WaiterError as error:
        now = describe_stack(cloudformation, stack.arn)
        state = f"is in {now.status}: {now.reason}" if now else "can't be found"
        raise CommandError(f"The stack {stack.name} was not deleted. It {state}") from error


def plan_deployment(
    programs: Programs, cloudformation: Any, target: Target, parameters: Mapping[str, str]
) -> list[Change]:
    """What a deployment would change. The change set that says so is deleted again; nothing is executed."""
    before = _change_sets(cloudformation, target.stack)
    try:
        programs.run(target.deploy_argv(parameters, execute=False))
        made = _change_sets(cloudformation, target.stack) - before
        return [change for name in made for change in read_changes(cloudformation, target.stack, name)]
    finally:
        _forget(cloudformation, target.stack, before)


def _change_sets(cloudformation: Any, name: str) -> set[str]:
    """The ids of a stack's change sets."""
    if describe_stack(cloudformation, name) is None:
        return set()
    pages = cloudformation.get_paginator("list_change_sets").paginate(StackName=name)
    return {summary["ChangeSetId"] for page in pages for summary in page["Summaries"]}


def _forget(cloudformation: Any, name: str, before: set[str]) -> None:
    """Delete the change sets that were made since, and the empty stack that a new one is kept in."""
    for made in _change_sets(cloudformation, name) - before:
        cloudformation.delete_change_set(StackName=name, ChangeSetName=made)
    stack = describe_stack(cloudformation, name)
    if stack and stack.status == PLANNED and not before:
        delete_stack(cloudformation, stack)
