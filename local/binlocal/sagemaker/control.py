"""The `sagemaker` API: models, endpoint configurations, endpoints and transform jobs.

Operations take and return members as in botocore's service model `sagemaker` 2017-07-24.
"""

import threading
from collections.abc import Callable
from typing import Any

from binlocal.sagemaker.async_inference import DEFAULT_CONCURRENCY, AsyncSettings
from binlocal.sagemaker.endpoint import Endpoint
from binlocal.sagemaker.errors import ApiError
from binlocal.sagemaker.listing import page, pick
from binlocal.sagemaker.registry import Registry, container_environment_of
from binlocal.sagemaker.transforms import TransformJobs

Members = dict[str, Any]
EndpointMaker = Callable[[str, Members, AsyncSettings | None], Endpoint]


class ControlPlane:
    """`make_endpoint(name, container environment, async settings)` creates an endpoint, which is then started here."""

    def __init__(
        self, *, account: str, registry: Registry, make_endpoint: EndpointMaker, transforms: TransformJobs
    ) -> None:
        self.account = account
        self.endpoints: dict[str, Endpoint] = {}
        self.transforms = transforms
        self._registry = registry
        self._make_endpoint = make_endpoint
        self._lock = threading.RLock()

    def perform(self, operation: str, members: Members) -> Members:
        """Performs one operation at a time. Raises ApiError."""
        method = OPERATIONS.get(operation)
        if method is None:
            raise ApiError("UnknownOperationException", f"The local SageMaker has no operation {operation}.")
        with self._lock:
            return method(self, members)

    def create_model(self, members: Members) -> Members:
        container_environment_of(members)
        return {"ModelArn": self._add("model", members["ModelName"], members)["ModelArn"]}

    def create_endpoint_config(self, members: Members) -> Members:
        for variant in members["ProductionVariants"]:
            self._registry.find("model", variant.get("ModelName", ""))
        async_settings(members)
        described = self._add("endpoint-config", members["EndpointConfigName"], members)
        return {"EndpointConfigArn": described["EndpointConfigArn"]}

    def create_endpoint(self, members: Members) -> Members:
        name = members["EndpointName"]
        config = self._registry.find("endpoint-config", members["EndpointConfigName"])
        endpoint = self._endpoint(name, config)
        described = self._add("endpoint", name, members)
        self.endpoints[name] = endpoint
        endpoint.start()
        return {"EndpointArn": described["EndpointArn"]}

    def describe_model(self, members: Members) -> Members:
        return self._registry.find("model", members["ModelName"])

    def describe_endpoint_config(self, members: Members) -> Members:
        return self._registry.find("endpoint-config", members["EndpointConfigName"])

    def describe_endpoint(self, members: Members) -> Members:
        described = self._with_status(self._registry.find("endpoint", members["EndpointName"]))
        if described["EndpointStatus"] == "Failed":
            described["FailureReason"] = "The container did not pass the ping health check. See the model server's log."
        return described

    def delete_model(self, members: Members) -> Members:
        return self._remove("model", members["ModelName"])

    def delete_endpoint_config(self, members: Members) -> Members:
        return self._remove("endpoint-config", members["EndpointConfigName"])

    def delete_endpoint(self, members: Members) -> Members:
        removed = self._remove("endpoint", members["EndpointName"])
        self.endpoints.pop(members["EndpointName"]).stop()
        return removed

    def list_models(self, members: Members) -> Members:
        return self._list("model", "Model", "Models", members)

    def list_endpoint_configs(self, members: Members) -> Members:
        return self._list("endpoint-config", "EndpointConfig", "EndpointConfigs", members)

    def list_endpoints(self, members: Members) -> Members:
        return self._list("endpoint", "Endpoint", "Endpoints", members)

    def restore(self) -> None:
        """Restarts the endpoints and ends the jobs that the registry has from an earlier process."""
        for described in self._registry.all("endpoint"):
            config = self._registry.find("endpoint-config", described["EndpointConfigName"])
            name = described["EndpointName"]
            self.endpoints[name] = self._endpoint(name, config)
            self.endpoints[name].start(announce=False)
        self.transforms.fail_interrupted()

    def stop(self) -> None:
        self.transforms.close()
        for endpoint in self.endpoints.values():
            endpoint.stop()

    def _endpoint(self, name: str, config: Members) -> Endpoint:
        model = self._registry.find("model", config["ProductionVariants"][0]["ModelName"])
        return self._make_endpoint(name, container_environment_of(model), async_settings(config))

    def _with_status(self, endpoint: Members) -> Members:
        status = self.endpoints[endpoint["EndpointName"]].model.status
        return {**endpoint, "EndpointStatus": status, "LastModifiedTime": endpoint["CreationTime"]}

    def _list(self, kind: str, member: str, listed: str, request: Members) -> Members:
        found = self._registry.all(kind)
        shown, token = page(map(self._with_status, found) if kind == "endpoint" else found, member, request)
        names = (f"{member}Name", f"{member}Arn", "CreationTime", "LastModifiedTime", f"{member}Status")
        return {listed: [pick(one, *names) for one in shown], **({"NextToken": token} if token else {})}

    def _add(self, kind: str, name: str, members: Members) -> Members:
        return self._registry.add(kind, name, {key: value for key, value in members.items() if key != "Tags"})

    def _remove(self, kind: str, name: str) -> Members:
        self._registry.remove(kind, name)
        return {}


OPERATIONS: dict[str, Callable[[ControlPlane, Members], Members]] = {
    "CreateModel": ControlPlane.create_model,
    "CreateEndpointConfig": ControlPlane.create_endpoint_config,
    "CreateEndpoint": ControlPlane.create_endpoint,
    "DescribeModel": ControlPlane.describe_model,
    "DescribeEndpointConfig": ControlPlane.describe_endpoint_config,
    "DescribeEndpoint": ControlPlane.describe_endpoint,
    "DeleteModel": ControlPlane.delete_model,
    "DeleteEndpointConfig": ControlPlane.delete_endpoint_config,
    "DeleteEndpoint": ControlPlane.delete_endpoint,
    "ListModels": ControlPlane.list_models,
    "ListEndpointConfigs": ControlPlane.list_endpoint_configs,
    "ListEndpoints": ControlPlane.list_endpoints,
    "CreateTransformJob": lambda control, members: control.transforms.create(members),
    "DescribeTransformJob": lambda control, members: control.transforms.describe(members),
    "StopTransformJob": lambda control, members: control.transforms.stop(members),
    "ListTransformJobs": lambda control, members: control.transforms.list_page(members),
}


def async_settings(config: Members) -> AsyncSettings | None:
    """The AsyncInferenceConfig of an endpoint configuration. None for a real-time endpoint. Raises ApiError."""
    inference = config.get("AsyncInferenceConfig")
    if inference is None:
        return None
    output = inference["OutputConfig"]
    topics = output.get("NotificationConfig", {})
    if "S3OutputPath" not in output:
        raise ApiError("ValidationException", "AsyncInferenceConfig.OutputConfig needs S3OutputPath.")
    if topics.get("IncludeInferenceResponseIn"):
        raise ApiError("ValidationException", "The local SageMaker does not support IncludeInferenceResponseIn.")
    concurrency = inference.get("ClientConfig", {}).get("MaxConcurrentInvocationsPerInstance", DEFAULT_CONCURRENCY)
    return AsyncSettings(
        output_path=output["S3OutputPath"],
        failure_path=output.get("S3FailurePath"),
        success_topic=topics.get("SuccessTopic"),
        error_topic=topics.get("ErrorTopic"),
        concurrency=concurrency,
    )
