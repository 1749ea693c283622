"""Refusals by the account's quotas."""

from binlocal.sagemaker.errors import ApiError


def quota_exceeded(instance_type: str, instances: int, usage: str) -> ApiError:
    """The refusal of what needs more instances than the account may have. `usage` names the quota."""
    return ApiError(
        "ResourceLimitExceeded",
        f"The account-level service limit '{instance_type} for {usage} usage' is 0 Instances, with "
        f"current utilization of 0 Instances and a request delta of {instances} Instances. Please use "
        "AWS Service Quotas to request an increase for this quota.",
    )
