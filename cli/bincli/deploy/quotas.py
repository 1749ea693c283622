"""The account's quotas that a stack needs, read from Service Quotas."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Runs at once: intake and collect 4 each, orders 5 (MaximumConcurrency in template.yaml), submit 1, and one
# of reconcile for each shard of two streams, which are 1 to 3 at first. New accounts may have a quota of 10.
CONCURRENT_RUNS = 20
# Four runs of collect, each with one request of ten events in flight, 20 ms each.
EVENT_REQUESTS = 200


@dataclass(frozen=True)
class Need:
    """At least `wanted` of a quota, given by Service Quotas' own name for it, and what it is needed for."""

    service: str
    quota: str
    wanted: int
    purpose: str


@dataclass(frozen=True)
class Checked:
    """A need and the account's value of the quota; None if it can't be read."""

    need: Need
    value: float | None
    code: str = ""

    @property
    def is_short(self) -> bool:
        return self.value is not None and self.value < self.need.wanted

    def request(self, region: str) -> str:
        """The command that asks AWS for an increase."""
        return shlex.join(
            ["aws", "service-quotas", "request-service-quota-increase", "--region", region, *self._increase()]
        )

    def _increase(self) -> list[str]:
        return [
            "--service-code",
            self.need.service,
            "--quota-code",
            self.code,
            "--desired-value",
            str(self.need.wanted),
        ]


def needs_of(parameters: Mapping[str, str]) -> list[Need]:
    """What a stack with these parameters needs."""
    mode = parameters["InferenceMode"]
    counting = int(parameters["MaxInvocations"]) if mode in ("lambda", "auto") else 0
    needs = [
        Need("lambda", "Concurrent executions", CONCURRENT_RUNS + counting, "runs of the functions at once"),
        Need("events", "PutEvents throttle limit in transactions per second", EVENT_REQUESTS, "events of collect"),
    ]
    if not parameters["ModelImageUri"]:
        return needs
    endpoint = parameters["InferenceInstanceType"]
    needs.append(Need("sagemaker", f"{endpoint} for endpoint usage", int(parameters["MaxInstances"]), "the endpoint"))
    if mode in ("batch", "auto"):
        transform = parameters["BatchInstanceTypes"].split(",")[0]
        wanted = int(parameters["BatchInstances"]) * int(parameters["MaxTransformJobs"])
        needs.append(Need("sagemaker", f"{transform} for transform job usage", wanted, "transform jobs"))
    return needs


def check_quotas(quotas: Any, needs: Sequence[Need]) -> list[Checked]:
    """Compare the needs with the account's quotas. A service whose quotas can't be read has none."""
    return [
        checked
        for service in dict.fromkeys(need.service for need in needs)
        for checked in _check_service(quotas, [need for need in needs if need.service == service])
    ]


def _check_service(quotas: Any, needs: list[Need]) -> list[Checked]:
    from botocore.exceptions import BotoCoreError, ClientError

    missing = {need.quota for need in needs}
    found: dict[str, Mapping[str, Any]] = {}
    try:
        for page in quotas.get_paginator("list_service_quotas").paginate(ServiceCode=needs[0].service):
            found |= {each["QuotaName"]: each for each in page["Quotas"] if each["QuotaName"] in missing}
            if missing <= found.keys():  # SageMaker has thousands
                break
    except (ClientError, BotoCoreError):
        return [Checked(need, None) for need in needs]
    return [_checked(need, found.get(need.quota, {})) for need in needs]


def _checked(need: Need, found: Mapping[str, Any]) -> Checked:
    return Checked(need, found.get("Value"), found.get("QuotaCode", ""))
