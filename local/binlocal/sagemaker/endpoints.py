"""Endpoints: created, updated and deleted as SageMaker does.

Creating ──▶ InService | Failed
InService ──▶ Updating ──▶ InService, with the new configuration or, if its container does not start, with the old one

An update starts the new container beside the old one, hands over the requests that wait, lets those in progress
finish, and stops the old container.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

from binlocal.sagemaker.async_inference import AsyncSettings
from binlocal.sagemaker.clock import Clock
from binlocal.sagemaker.endpoint import Endpoint
from binlocal.sagemaker.errors import ApiError
from binlocal.sagemaker.faults import FaultInjector
from binlocal.sagemaker.quotas import quota_exceeded
from binlocal.sagemaker.registry import Registry, container_environment_of
from binlocal.sagemaker.scaling import ScalableTargets
from binlocal.sagemaker.settings import async_settings

Members = dict[str, Any]
EndpointMaker = Callable[[str, Members, AsyncSettings | None], Endpoint]
KIND, CONFIG = "endpoint", "endpoint-config"
NOT_STARTED = "The container did not pass the ping health check. See the model server's log."

logger = logging.getLogger(__name__)


class Endpoints:
    """`make_endpoint(name, container environment, async settings)` creates an endpoint, which is started here."""

    def __init__(self, registry: Registry, make_endpoint: EndpointMaker, faults: FaultInjector, clock: Clock) -> None:
        self.running: dict[str, Endpoint] = {}
        self.scaling = ScalableTargets(registry, lambda name: name in self.running)
        self._registry = registry
        self._make_endpoint = make_endpoint
        self._faults = faults
        self._clock = clock
        self._updating: set[str] = set()

    def create(self, members: Members) -> Members:
        """Raises ApiError as CreateEndpoint does."""
        name = members["EndpointName"]
        config = self._registry.find(CONFIG, members["EndpointConfigName"])
        self._check_quota(config)
        endpoint = self._endpoint(name, config)
        described = self._registry.add(KIND, name, without_tags(members))
        self.running[name] = endpoint
        endpoint.start()
        return {"EndpointArn": described["EndpointArn"]}

    def update(self, members: Members) -> Members:
        """Raises ApiError as UpdateEndpoint does, also for what Application Auto Scaling forbids."""
        name = members["EndpointName"]
        described = self._registry.find(KIND, name)
        config = self._registry.find(CONFIG, members["EndpointConfigName"])
        self._check_unused(described["EndpointArn"], name)
        if members["EndpointConfigName"] == described["EndpointConfigName"]:
            arn = config["EndpointConfigArn"]
            raise refusal(f'Cannot update endpoint "{described["EndpointArn"]}": it already has the config "{arn}".')
        self._check_scaling(name, described, config)
        self._check_quota(config)
        successor = self._endpoint(name, config)
        self._updating.add(name)
        self._registry.update(KIND, name, {"FailureReason": ""})
        threading.Thread(target=self._replace, args=(successor, config), daemon=True, name=f"update-{name}").start()
        return {"EndpointArn": described["EndpointArn"]}

    def describe(self, members: Members) -> Members:
        described = self.with_status(self._registry.find(KIND, members["EndpointName"]))
        if described["EndpointStatus"] == "Failed":
            described["FailureReason"] = NOT_STARTED
        if not described.get("FailureReason"):
            described.pop("FailureReason", None)
        return described | {"ProductionVariants": list(self._variants(described))}

    def delete(self, members: Members) -> Members:
        name = members["EndpointName"]
        self._check_unused(self._registry.find(KIND, name)["EndpointArn"], name)
        self._registry.remove(KIND, name)
        self.running.pop(name).stop()
        self.scaling.forget(name)
        return {}

    def delete_config(self, members: Members) -> Members:
        """AWS only warns against deleting the configuration of a live endpoint. Here that is an error."""
        name = members["EndpointConfigName"]
        users = [one["EndpointName"] for one in self._registry.all(KIND) if one["EndpointConfigName"] == name]
        if users:
            raise refusal(f"Do not delete the endpoint configuration {name}: the endpoint {users[0]} uses it.")
        self._registry.remove(CONFIG, name)
        return {}

    def with_status(self, described: Members) -> Members:
        name = described["EndpointName"]
        status = "Updating" if name in self._updating else self.running[name].model.status
        modified = described.get("LastModifiedTime", described["CreationTime"])
        return {**described, "EndpointStatus": status, "LastModifiedTime": modified}

    def restore(self) -> None:
        """Restarts the endpoints of an earlier process. An update that it had not finished is lost."""
        for described in self._registry.all(KIND):
            name = described["EndpointName"]
            config = self._registry.find(CONFIG, described["EndpointConfigName"])
            self.running[name] = self._endpoint(name, config)
            self.running[name].start(announce=False)

    def stop(self) -> None:
        for endpoint in [*self.running.values()]:
            endpoint.stop()

    def _replace(self, successor: Endpoint, config: Members) -> None:
        name = successor.name
        changes: Members = {"LastModifiedTime": self._clock.now()}
        try:
            successor.start()
            if successor.model.wait_until_started() == "InService":
                changes["EndpointConfigName"] = config["EndpointConfigName"]
                old, self.running[name] = self.running[name], successor
                old.retire(successor)
            else:
                successor.stop()
                changes["FailureReason"] = NOT_STARTED
        except Exception:
            logger.exception("Update of endpoint %s", name)
            changes["FailureReason"] = "We encountered an internal error. Please try again."
        self._registry.update(KIND, name, changes)
        self._updating.discard(name)

    def _endpoint(self, name: str, config: Members) -> Endpoint:
        model = self._registry.find("model", config["ProductionVariants"][0]["ModelName"])
        return self._make_endpoint(name, container_environment_of(model), async_settings(config))

    def _variants(self, described: Members) -> Iterator[Members]:
        if described["EndpointStatus"] in ("Creating", "Failed"):
            return
        for variant in self._registry.find(CONFIG, described["EndpointConfigName"])["ProductionVariants"]:
            yield {"VariantName": variant["VariantName"], "CurrentInstanceCount": 1, "DesiredInstanceCount": 1}

    def _check_quota(self, config: Members) -> None:
        (variant, *_) = config["ProductionVariants"]
        if self._faults.occurs("endpoint.quota"):
            raise quota_exceeded(variant.get("InstanceType", ""), variant.get("InitialInstanceCount", 1), KIND)

    def _check_unused(self, arn: str, name: str) -> None:
        if name in self._updating or self.running[name].model.status == "Creating":
            raise refusal(f'Cannot update in-progress endpoint "{arn}".')

    def _check_scaling(self, name: str, described: Members, config: Members) -> None:
        """A variant that scales by itself keeps its instance type and may not be removed."""
        new = {one["VariantName"]: one.get("InstanceType") for one in config["ProductionVariants"]}
        for variant in self._registry.find(CONFIG, described["EndpointConfigName"])["ProductionVariants"]:
            known = variant["VariantName"]
            changes = new.get(known) != variant.get("InstanceType")
            if changes and self.scaling.is_registered(name, known):
                raise refusal(
                    f"The variant {known} of the endpoint {name} is registered as a scalable target, so its instance "
                    "type can't change. Deregister it with Application Auto Scaling before you update the endpoint."
                )


def without_tags(members: Members) -> Members:
    return {key: value for key, value in members.items() if key != "Tags"}


def refusal(message: str) -> ApiError:
    return ApiError("ValidationException", message)
