"""Application Auto Scaling, as far as endpoints need it: which variants scale by themselves, and by which policies.

Nothing scales here: an endpoint has one container. What matters is what AWS refuses while a variant is registered.
Operations take and return members as in botocore's service model `application-autoscaling` 2016-02-06.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from binlocal.sagemaker.errors import ApiError
from binlocal.sagemaker.registry import Registry

Members = dict[str, Any]
TARGET, POLICY = "scalable-target", "scaling-policy"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"


class ScalableTargets:
    """Targets and policies in the registry. `endpoint_exists(name)` says whether there is an endpoint to scale."""

    def __init__(self, registry: Registry, endpoint_exists: Callable[[str], bool]) -> None:
        self._registry = registry
        self._endpoint_exists = endpoint_exists

    def is_registered(self, endpoint: str, variant: str) -> bool:
        return any(one["ResourceId"] == resource_of(endpoint, variant) for one in self._registry.all(TARGET))

    def register(self, members: Members) -> Members:
        """Creates or changes a target. Raises ApiError if its endpoint does not exist."""
        name = target_name(members)
        if known := self._find(TARGET, name):
            self._registry.update(TARGET, name, members)
            return {"ScalableTargetARN": known["ScalableTargetArn"]}
        if missing := [each for each in ("MinCapacity", "MaxCapacity") if each not in members]:
            raise ApiError("ValidationException", f"{missing[0]} is required to register a new scalable target.")
        if not self._endpoint_exists(members["ResourceId"].split("/")[1]):
            raise ApiError("ValidationException", f"SageMaker endpoint not found: {members['ResourceId']}.")
        described = self._registry.add(TARGET, name, members)
        return {"ScalableTargetARN": described["ScalableTargetArn"]}

    def deregister(self, members: Members) -> Members:
        """Removes a target and, as AWS does, its policies. Raises ApiError if there is no such target."""
        name = target_name(members)
        self._require_target(members)
        for policy in list(self._policies_of(members["ResourceId"])):
            self._registry.remove(POLICY, policy_name(policy))
        self._registry.remove(TARGET, name)
        return {}

    def put_policy(self, members: Members) -> Members:
        """Creates or changes a policy. Raises ApiError if its target is not registered."""
        self._require_target(members)
        name = policy_name(members)
        if known := self._find(POLICY, name):
            self._registry.update(POLICY, name, members)
            return {"PolicyARN": known["ScalingPolicyArn"], "Alarms": []}
        return {"PolicyARN": self._registry.add(POLICY, name, members)["ScalingPolicyArn"], "Alarms": []}

    def delete_policy(self, members: Members) -> Members:
        name = policy_name(members)
        if self._find(POLICY, name) is None:
            raise ApiError("ObjectNotFoundException", f"No scaling policy found: {members['PolicyName']}.")
        self._registry.remove(POLICY, name)
        return {}

    def describe(self, members: Members) -> Members:
        wanted = members.get("ResourceIds") or [one["ResourceId"] for one in self._registry.all(TARGET)]
        found = [one for one in self._registry.all(TARGET) if one["ResourceId"] in wanted]
        return {"ScalableTargets": [described(one, "ScalableTargetArn", "ScalableTargetARN") for one in found]}

    def describe_policies(self, members: Members) -> Members:
        wanted = members.get("ResourceId")
        found = [one for one in self._registry.all(POLICY) if wanted in (None, one["ResourceId"])]
        return {"ScalingPolicies": [described(one, "ScalingPolicyArn", "PolicyARN") for one in found]}

    def forget(self, endpoint: str) -> None:
        """Deregisters the variants of a deleted endpoint, as SageMaker does."""
        for target in self._registry.all(TARGET):
            if target["ResourceId"].startswith(f"endpoint/{endpoint}/"):
                self.deregister(target)

    def _require_target(self, members: Members) -> None:
        if self._find(TARGET, target_name(members)) is None:
            raise ApiError(
                "ObjectNotFoundException",
                f"No scalable target registered for service namespace: {members['ServiceNamespace']}, resource ID: "
                f"{members['ResourceId']}, scalable dimension: {members['ScalableDimension']}",
            )

    def _policies_of(self, resource: str) -> Iterator[Members]:
        return (policy for policy in self._registry.all(POLICY) if policy["ResourceId"] == resource)

    def _find(self, kind: str, name: str) -> Members | None:
        try:
            return self._registry.find(kind, name)
        except ApiError:
            return None


def resource_of(endpoint: str, variant: str) -> str:
    return f"endpoint/{endpoint}/variant/{variant}"


def target_name(members: Members) -> str:
    """The last part of the target's ARN. Raises ApiError for anything but the instances of an endpoint's variant."""
    resource = members["ResourceId"]
    parts = resource.split("/")
    if members["ServiceNamespace"] != "sagemaker" or members["ScalableDimension"] != DIMENSION:
        raise ApiError("ValidationException", f"The local SageMaker scales only sagemaker, {DIMENSION}.")
    if len(parts) != 4 or parts[::2] != ["endpoint", "variant"]:
        raise ApiError("ValidationException", f"Unsupported resource ID: {resource}")
    return hashlib.sha256(resource.encode()).hexdigest()[:32]


def policy_name(members: Members) -> str:
    return f"{target_name(members)}/{members['PolicyName']}"


def described(one: Members, ours: str, theirs: str) -> Members:
    """A registered description as Application Auto Scaling names its members."""
    return {**{name: value for name, value in one.items() if name != ours}, theirs: one[ours]}


OPERATIONS: dict[str, Callable[[ScalableTargets, Members], Members]] = {
    "RegisterScalableTarget": ScalableTargets.register,
    "DeregisterScalableTarget": ScalableTargets.deregister,
    "DescribeScalableTargets": ScalableTargets.describe,
    "PutScalingPolicy": ScalableTargets.put_policy,
    "DeleteScalingPolicy": ScalableTargets.delete_policy,
    "DescribeScalingPolicies": ScalableTargets.describe_policies,
}
