from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from bincli.deploy.quotas import CONCURRENT_RUNS, Checked, Need, check_quotas, needs_of
from binlocal.template import load_template
from botocore.stub import Stubber

from tests.unit.functions.aws import client

PARAMETERS = {
    "ModelImageUri": "image",
    "InferenceInstanceType": "ml.c6i.xlarge",
    "MaxInstances": "2",
    "InferenceMode": "auto",
    "BatchInstanceTypes": "ml.m5.xlarge,ml.c5.xlarge",
    "BatchInstances": "3",
    "MaxTransformJobs": "4",
    "MaxInvocations": "5",
}
ENDPOINT = Need("sagemaker", "ml.c6i.xlarge for endpoint usage", 2, "the endpoint")


def names(**changed: str) -> dict[str, int]:
    return {need.quota: need.wanted for need in needs_of(PARAMETERS | changed)}


def test_a_stack_needs_instances_for_the_engines_that_it_uses() -> None:
    assert names()["ml.c6i.xlarge for endpoint usage"] == 2
    assert names()["ml.m5.xlarge for transform job usage"] == 3 * 4
    assert "ml.m5.xlarge for transform job usage" not in names(InferenceMode="async")
    assert not [name for name in names(ModelImageUri="") if name.startswith("ml.")]


def test_every_stack_needs_concurrency_and_events() -> None:
    assert names(ModelImageUri="", InferenceMode="async")["Concurrent executions"] == CONCURRENT_RUNS


@pytest.mark.parametrize("mode", ["lambda", "auto"])
def test_a_model_function_runs_besides_the_others(mode: str) -> None:
    found = names(InferenceMode=mode)

    assert found["Concurrent executions"] == CONCURRENT_RUNS + 5


def test_the_table_of_quotas_in_the_document_is_what_is_checked() -> None:
    document = (Path(__file__).parents[4] / "docs" / "deploy.md").read_text()
    rows = re.findall(r"^\| (?:SageMaker|Lambda|EventBridge) \| `([^`]+)` \| (\d+)", document, re.MULTILINE)
    parameters = load_template(Path(__file__).parents[4] / "template.yaml")["Parameters"]
    defaults = {name: str(each.get("Default", "")) for name, each in parameters.items()} | {"ModelImageUri": "image"}

    assert {name: int(wanted) for name, wanted in rows} == {
        "ml.c6i.xlarge for transform job usage": 0,
        **{need.quota: need.wanted for need in needs_of(defaults)},
    }


def quota(name: str, value: float) -> dict[str, Any]:
    return {"QuotaName": name, "QuotaCode": "L-1234", "Value": value}


def checked(*pages: list[dict[str, Any]]) -> list[Checked]:
    quotas = client("service-quotas")
    with Stubber(quotas) as stub:
        for number, page in enumerate(pages):
            more = {"NextToken": str(number + 1)} if number + 1 < len(pages) else {}
            asked = {"ServiceCode": "sagemaker"} | ({"NextToken": str(number)} if number else {})
            stub.add_response("list_service_quotas", {"Quotas": page, **more}, asked)
        return check_quotas(quotas, [ENDPOINT])


def test_a_quota_of_0_is_short_and_the_increase_can_be_asked_for() -> None:
    (found,) = checked([quota("another", 9)], [quota(ENDPOINT.quota, 0)])

    assert found.is_short
    assert found.request("eu-west-1") == (
        "aws service-quotas request-service-quota-increase --region eu-west-1 --service-code sagemaker "
        "--quota-code L-1234 --desired-value 2"
    )


def test_a_quota_that_suffices_is_not_short() -> None:
    assert [found.is_short for found in checked([quota(ENDPOINT.quota, 2)])] == [False]


def test_a_quota_that_is_not_listed_or_not_allowed_to_be_read_is_unknown_and_not_short() -> None:
    assert [(found.value, found.is_short) for found in checked([quota("another", 9)])] == [(None, False)]

    quotas = client("service-quotas")
    with Stubber(quotas) as stub:
        stub.add_client_error("list_service_quotas", "AccessDeniedException")
        assert check_quotas(quotas, [ENDPOINT]) == [Checked(ENDPOINT, None)]
