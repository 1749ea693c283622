"""The Model Registry: groups of model packages, each with its versions 1, 2, 3 and so on."""

from collections.abc import Callable
from typing import Any

from binlocal.sagemaker.errors import ApiError
from binlocal.sagemaker.listing import page, pick
from binlocal.sagemaker.registry import Registry

Members = dict[str, Any]
GROUP, PACKAGE = "model-package-group", "model-package"
SUMMARY = ("ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn", "CreationTime", "ModelApprovalStatus")
CHANGEABLE = ("ModelApprovalStatus", "ApprovalDescription", "CustomerMetadataProperties")


class ModelPackages:
    """Packages that belong to a group; packages of AWS Marketplace do not."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def create_group(self, members: Members) -> Members:
        created = self._registry.add(GROUP, members["ModelPackageGroupName"], members)
        return {"ModelPackageGroupArn": created["ModelPackageGroupArn"]}

    def list_groups(self, members: Members) -> Members:
        groups, token = page(self._registry.all(GROUP), "ModelPackageGroup", members)
        names = ("ModelPackageGroupName", "ModelPackageGroupArn", "CreationTime")
        summaries = [{**pick(group, *names), "ModelPackageGroupStatus": "Completed"} for group in groups]
        return {"ModelPackageGroupSummaryList": summaries, **({"NextToken": token} if token else {})}

    def create(self, members: Members) -> Members:
        """Raises ApiError if the group does not exist."""
        group = members.get("ModelPackageGroupName", "")
        self._registry.find(GROUP, group)
        number = 1 + sum(one["ModelPackageGroupName"] == group for one in self._registry.all(PACKAGE))
        name = f"{group}/{number}"
        facts = {"ModelPackageName": name, "ModelPackageVersion": number, "ModelPackageStatus": "Completed"}
        status = {"ModelApprovalStatus": "PendingManualApproval"}
        created = self._registry.add(PACKAGE, name, {**status, **members, **facts})
        return {"ModelPackageArn": created["ModelPackageArn"]}

    def describe(self, members: Members) -> Members:
        return self._find(members["ModelPackageName"]) | {"ModelPackageStatusDetails": {"ValidationStatuses": []}}

    def update(self, members: Members) -> Members:
        """What is not in the request keeps its value."""
        package = self._find(members["ModelPackageArn"])
        self._registry.update(PACKAGE, package["ModelPackageName"], pick(members, *CHANGEABLE))
        return {"ModelPackageArn": package["ModelPackageArn"]}

    def list_page(self, members: Members) -> Members:
        group = members.get("ModelPackageGroupName")
        wanted = [one for one in self._registry.all(PACKAGE) if group in (None, one["ModelPackageGroupName"])]
        packages, token = page(wanted, "ModelPackage", members)
        summaries = [{**pick(one, *SUMMARY), "ModelPackageStatus": "Completed"} for one in packages]
        return {"ModelPackageSummaryList": summaries, **({"NextToken": token} if token else {})}

    def _find(self, arn: str) -> Members:
        for package in self._registry.all(PACKAGE):
            if package["ModelPackageArn"] == arn:
                return package
        raise ApiError("ValidationException", f"ModelPackage {arn} does not exist.")


OPERATIONS: dict[str, Callable[[ModelPackages, Members], Members]] = {
    "CreateModelPackageGroup": ModelPackages.create_group,
    "ListModelPackageGroups": ModelPackages.list_groups,
    "CreateModelPackage": ModelPackages.create,
    "DescribeModelPackage": ModelPackages.describe,
    "UpdateModelPackage": ModelPackages.update,
    "ListModelPackages": ModelPackages.list_page,
}
