"""The `sagemaker` API: models, endpoint configurations and endpoints, in memory.

Operations take and return the members of botocore's service model `sagemaker` 2017-07-24.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from binlocal.sagemaker.endpoint import Endpoint
from binlocal.sagemaker.errors import RefusedError
from binlocal.sagemaker.serving import DEFAULT_CONCURRENCY, AsyncSettings

Members = dict[str, Any]
EndpointMaker = Callable[[str, Members, AsyncSettings | None], Endpoint]


class ControlPlane:
    """`make_endpoint(name, container environment, async settings)` builds an endpoint; it is started here."""

    def __init__(self, *, account: str, region: str, make_endpoint: EndpointMaker) -> None:
        self.account = account
        self.endpoints: dict[str, Endpoint] = {}
        self._arn = f"arn:aws:sagemaker:{region}:{account}"
        self._make_endpoint = make_endpoint
        self._described: dict[str, dict[str, Members]] = {"model": {}, "endpoint-config": {}, "endpoint": {}}
        self._lock = threading.RLock()

    def perform(self, operation: str, members: Members) -> Members:
        """Raises RefusedError. Operations that change something run one at a time."""
        method = OPERATIONS.get(operation)
        if method is None:
            raise RefusedError("UnknownOperationException", f"The local SageMaker has no operation {operation}.")
        with self._lock:
            return method(self, members)

    def create_model(self, members: Members) -> Members:
        if not _containers(members):
            raise RefusedError("ValidationException", "A model needs a PrimaryContainer.")
        return {"ModelArn": self._remember("model", members["ModelName"], members)["ModelArn"]}

    def create_endpoint_config(self, members: Members) -> Members:
        for variant in members["ProductionVariants"]:
            self._find("model", variant.get("ModelName", ""))
        async_settings(members)
        described = self._remember("endpoint-config", members["EndpointConfigName"], members)
        return {"EndpointConfigArn": described["EndpointConfigArn"]}

    def create_endpoint(self, members: Members) -> Members:
        name = members["EndpointName"]
        config = self._find("endpoint-config", members["EndpointConfigName"])
        model = self._find("model", config["ProductionVariants"][0]["ModelName"])
        described = self._remember("endpoint", name, members)
        environment = _containers(model)[0].get("Environment", {})
        self.endpoints[name] = self._make_endpoint(name, environment, async_settings(config))
        self.endpoints[name].start()
        return {"EndpointArn": described["EndpointArn"]}

    def describe_model(self, members: Members) -> Members:
        return self._find("model", members["ModelName"])

    def describe_endpoint_config(self, members: Members) -> Members:
        return self._find("endpoint-config", members["EndpointConfigName"])

    def describe_endpoint(self, members: Members) -> Members:
        described = self._find("endpoint", members["EndpointName"])
        status = self.endpoints[members["EndpointName"]].model.status
        answer = {**described, "EndpointStatus": status, "LastModifiedTime": described["CreationTime"]}
        if status == "Failed":
            answer["FailureReason"] = "The container did not pass the ping health check. See the model server's log."
        return answer

    def delete_model(self, members: Members) -> Members:
        return self._forget("model", members["ModelName"])

    def delete_endpoint_config(self, members: Members) -> Members:
        return self._forget("endpoint-config", members["EndpointConfigName"])

    def delete_endpoint(self, members: Members) -> Members:
        answer = self._forget("endpoint", members["EndpointName"])
        self.endpoints.pop(members["EndpointName"]).stop()
        return answer

    def stop(self) -> None:
        for endpoint in self.endpoints.values():
            endpoint.stop()

    def _remember(self, kind: str, name: str, members: Members) -> Members:
        arn = f"{self._arn}:{kind}/{name.lower()}"
        if name in self._described[kind]:
            raise RefusedError("ValidationException", f'Cannot create already existing {kind} "{arn}".')
        key = "".join(word.capitalize() for word in kind.split("-")) + "Arn"
        described = {name: value for name, value in members.items() if name != "Tags"}
        self._described[kind][name] = {**described, key: arn, "CreationTime": time.time()}
        return self._described[kind][name]

    def _find(self, kind: str, name: str) -> Members:
        if name not in self._described[kind]:
            arn = f"{self._arn}:{kind}/{name.lower()}"
            raise RefusedError("ValidationException", f'Could not find {kind.replace("-", " ")} "{arn}".')
        return self._described[kind][name]

    def _forget(self, kind: str, name: str) -> Members:
        self._find(kind, name)
        del self._described[kind][name]
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
}


def _containers(model: Members) -> list[Members]:
    primary = model.get("PrimaryContainer")
    return [primary] if primary else model.get("Containers", [])


def async_settings(config: Members) -> AsyncSettings | None:
    """The Async Inference part of an endpoint configuration; None where it is for real time."""
    inference = config.get("AsyncInferenceConfig")
    if inference is None:
        return None
    output = inference["OutputConfig"]
    topics = output.get("NotificationConfig", {})
    if "S3OutputPath" not in output:
        raise RefusedError("ValidationException", "AsyncInferenceConfig.OutputConfig needs S3OutputPath.")
    if topics.get("IncludeInferenceResponseIn"):
        raise RefusedError("ValidationException", "The local SageMaker does not know IncludeInferenceResponseIn.")
    concurrency = inference.get("ClientConfig", {}).get("MaxConcurrentInvocationsPerInstance", DEFAULT_CONCURRENCY)
    return AsyncSettings(
        output_path=output["S3OutputPath"],
        failure_path=output.get("S3FailurePath"),
        success_topic=topics.get("SuccessTopic"),
        error_topic=topics.get("ErrorTopic"),
        concurrency=concurrency,
    )
