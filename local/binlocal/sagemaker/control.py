"""The `sagemaker` API: models, endpoint configurations, endpoints, transform jobs and the Model Registry.

Operations take and return members as in botocore's service model `sagemaker` 2017-07-24.
"""

import threading
from collections.abc import Callable
from typing import Any

from binlocal.sagemaker import packages, scaling
from binlocal.sagemaker.endpoints import Endpoints, without_tags
from binlocal.sagemaker.errors import ApiError
from binlocal.sagemaker.listing import page, pick
from binlocal.sagemaker.registry import Registry, container_environment_of
from binlocal.sagemaker.settings import async_settings
from binlocal.sagemaker.transforms import TransformJobs

Members = dict[str, Any]


class ControlPlane:
    """Performs one operation at a time, also of the Model Registry and of Application Auto Scaling."""

    def __init__(self, *, account: str, registry: Registry, endpoints: Endpoints, transforms: TransformJobs) -> None:
        self.account = account
        self.endpoints = endpoints
        self.transforms = transforms
        self._packages = packages.ModelPackages(registry)
        self._registry = registry
        self._lock = threading.RLock()

    def perform(self, operation: str, members: Members) -> Members:
        """Raises ApiError."""
        with self._lock:
            if operation in scaling.OPERATIONS:
                return scaling.OPERATIONS[operation](self.endpoints.scaling, members)
            if operation in packages.OPERATIONS:
                return packages.OPERATIONS[operation](self._packages, members)
            if operation in OPERATIONS:
                return OPERATIONS[operation](self, members)
        raise ApiError("UnknownOperationException", f"The local SageMaker has no operation {operation}.")

    def create_model(self, members: Members) -> Members:
        container_environment_of(members)
        return {"ModelArn": self._add("model", members["ModelName"], members)["ModelArn"]}

    def create_endpoint_config(self, members: Members) -> Members:
        for variant in members["ProductionVariants"]:
            self._registry.find("model", variant.get("ModelName", ""))
        async_settings(members)
        described = self._add("endpoint-config", members["EndpointConfigName"], members)
        return {"EndpointConfigArn": described["EndpointConfigArn"]}

    def describe_model(self, members: Members) -> Members:
        return self._registry.find("model", members["ModelName"])

    def describe_endpoint_config(self, members: Members) -> Members:
        return self._registry.find("endpoint-config", members["EndpointConfigName"])

    def delete_model(self, members: Members) -> Members:
        return self._remove("model", members["ModelName"])

    def list_models(self, members: Members) -> Members:
        return self._list("model", "Model", "Models", members)

    def list_endpoint_configs(self, members: Members) -> Members:
        return self._list("endpoint-config", "EndpointConfig", "EndpointConfigs", members)

    def list_endpoints(self, members: Members) -> Members:
        return self._list("endpoint", "Endpoint", "Endpoints", members)

    def restore(self) -> None:
        """Restarts the endpoints and ends the jobs that the registry has from an earlier process."""
        self.endpoints.restore()
        self.transforms.fail_interrupted()

    def stop(self) -> None:
        self.transforms.close()
        self.endpoints.stop()

    def _list(self, kind: str, member: str, listed: str, request: Members) -> Members:
        found = self._registry.all(kind)
        shown, token = page(map(self.endpoints.with_status, found) if kind == "endpoint" else found, member, request)
        names = (f"{member}Name", f"{member}Arn", "CreationTime", "LastModifiedTime", f"{member}Status")
        return {listed: [pick(one, *names) for one in shown], **({"NextToken": token} if token else {})}

    def _add(self, kind: str, name: str, members: Members) -> Members:
        return self._registry.add(kind, name, without_tags(members))

    def _remove(self, kind: str, name: str) -> Members:
        self._registry.remove(kind, name)
        return {}


OPERATIONS: dict[str, Callable[[ControlPlane, Members], Members]] = {
    "CreateModel": ControlPlane.create_model,
    "CreateEndpointConfig": ControlPlane.create_endpoint_config,
    "CreateEndpoint": lambda control, members: control.endpoints.create(members),
    "UpdateEndpoint": lambda control, members: control.endpoints.update(members),
    "DescribeModel": ControlPlane.describe_model,
    "DescribeEndpointConfig": ControlPlane.describe_endpoint_config,
    "DescribeEndpoint": lambda control, members: control.endpoints.describe(members),
    "DeleteModel": ControlPlane.delete_model,
    "DeleteEndpointConfig": lambda control, members: control.endpoints.delete_config(members),
    "DeleteEndpoint": lambda control, members: control.endpoints.delete(members),
    "ListModels": ControlPlane.list_models,
    "ListEndpointConfigs": ControlPlane.list_endpoint_configs,
    "ListEndpoints": ControlPlane.list_endpoints,
    "CreateTransformJob": lambda control, members: control.transforms.create(members),
    "DescribeTransformJob": lambda control, members: control.transforms.describe(members),
    "StopTransformJob": lambda control, members: control.transforms.stop(members),
    "ListTransformJobs": lambda control, members: control.transforms.list_page(members),
}
