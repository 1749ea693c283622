"""SageMaker's Model Registry in memory. Every request is validated against botocore's service model."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

ARN = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/{group}/{number}"


@cache
def service_model() -> Any:
    return botocore.session.get_session().get_service_model("sagemaker")


class FakeSageMaker:
    """Groups and packages. An update replaces the metadata that it names, and leaves the status that it doesn't."""

    def __init__(self) -> None:
        self.groups: dict[str, list[dict[str, Any]]] = {}
        self.now = datetime(2026, 5, 4, 12, tzinfo=UTC)

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        name = "".join(word.title() for word in operation.split("_"))
        act = getattr(self, f"_{operation}", None)
        if act is None:
            raise AttributeError(operation)

        def call(**request: Any) -> Any:
            shape = service_model().operation_model(name).input_shape
            report = ParamValidator().validate(request, shape)
            assert not report.has_errors(), report.generate_report()
            return act(**request)

        return call

    def get_paginator(self, operation: str) -> Any:
        def paginate(PaginationConfig: object = None, **request: Any) -> Any:  # noqa: N803
            return [getattr(self, operation)(**request)]

        return SimpleNamespace(paginate=paginate)

    def _list_model_package_groups(self, NameContains: str = "") -> Any:  # noqa: N803
        names = [name for name in self.groups if NameContains in name]
        return {"ModelPackageGroupSummaryList": [{"ModelPackageGroupName": name} for name in names]}

    def _create_model_package_group(self, ModelPackageGroupName: str, **_: Any) -> Any:  # noqa: N803
        assert ModelPackageGroupName not in self.groups
        self.groups[ModelPackageGroupName] = []
        return {}

    def _create_model_package(self, ModelPackageGroupName: str, **facts: Any) -> Any:  # noqa: N803
        group = self.groups[ModelPackageGroupName]
        number, self.now = len(group) + 1, self.now + timedelta(hours=1)
        arn = ARN.format(group=ModelPackageGroupName, number=number)
        group.append({"ModelPackageArn": arn, "ModelPackageVersion": number, "CreationTime": self.now, **facts})
        return {"ModelPackageArn": arn}

    def _list_model_packages(self, ModelPackageGroupName: str, **_: Any) -> Any:  # noqa: N803
        return {"ModelPackageSummaryList": self.groups[ModelPackageGroupName][::-1]}

    def _describe_model_package(self, ModelPackageName: str) -> Any:  # noqa: N803
        packages = [package for group in self.groups.values() for package in group]
        return next(package for package in packages if package["ModelPackageArn"] == ModelPackageName)

    def _update_model_package(self, ModelPackageArn: str, **changes: Any) -> Any:  # noqa: N803
        self._describe_model_package(ModelPackageArn).update(changes)
        return {}
