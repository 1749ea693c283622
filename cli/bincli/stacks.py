"""CloudFormation stacks as the commands that change them see them: status, parameters, outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# A stack in this state has no resources and never had any: a change set was made for it and not executed.
PLANNED = "REVIEW_IN_PROGRESS"
# The first create failed and was rolled back. CloudFormation only lets such a stack be deleted.
FAILED_CREATE = "ROLLBACK_COMPLETE"
READY = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}
)


@dataclass(frozen=True)
class StackDescription:
    """A stack of CloudFormation. `arn` finds it for 90 days after it was deleted, its name does not."""

    name: str
    arn: str
    status: str
    reason: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        """Whether it exists and can be updated."""
        return self.status in READY


def describe_stack(cloudformation: Any, name: str) -> StackDescription | None:
    """The stack with this name or ARN; None if there is none. Raises ClientError."""
    from botocore.exceptions import ClientError

    try:
        (found,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        # CloudFormation has no code of its own for a stack that does not exist. Names are checked before.
        if error.response.get("Error", {}).get("Code") == "ValidationError":
            return None
        raise
    return StackDescription(
        name=found["StackName"],
        arn=found["StackId"],
        status=found["StackStatus"],
        reason=found.get("StackStatusReason", ""),
        parameters={each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])},
        outputs={each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])},
    )
