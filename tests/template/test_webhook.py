"""The webhook: who is called with what, and what happens if it does not answer."""

from __future__ import annotations

import json
import re

import pytest

from tests.template.deployed import Stack, source, stack_without_model
from tests.template.queries import STACK, listed, policy_documents

URL = "https://example.com/bintally"


def properties(name: str) -> dict[str, object]:
    found: dict[str, object] = STACK.resources[name]["Properties"]
    return found


def test_without_an_address_there_is_nothing_of_it() -> None:
    assert not [name for name in stack_without_model().resources if name.startswith("Webhook")]


def test_discrepancies_and_verdicts_go_to_the_address_and_no_test_does() -> None:
    rule = properties("WebhookRule")

    assert properties("WebhookDestination")["InvocationEndpoint"] == URL
    assert rule["EventPattern"] == {
        "source": ["bintally"],
        "detail-type": ["DiscrepancyFound", "ConsignmentReconciled"],
        "detail": {"consignment_id": [{"anything-but": ["bintally-canary"]}]},
    }


def test_the_secret_is_made_up_by_aws_and_stands_nowhere() -> None:
    key = properties("WebhookConnection")["AuthParameters"]["ApiKeyAuthParameters"]  # type: ignore[index]

    assert key["ApiKeyName"] == "X-Bintally-Key"
    assert re.fullmatch(r"\{\{resolve:secretsmanager:[^{}]+\}\}", key["ApiKeyValue"])
    assert properties("WebhookKey")["GenerateSecretString"]["PasswordLength"] >= 40  # type: ignore[index]


def test_events_are_retried_for_a_day_and_then_kept() -> None:
    (target,) = properties("WebhookRule")["Targets"]  # type: ignore[misc,attr-defined]

    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == 86_400
    assert "WebhookDeadLetters" in json.dumps(target["DeadLetterConfig"])


def test_its_role_may_call_this_destination_and_nothing_else() -> None:
    (trust, work) = policy_documents(properties("WebhookRole"))

    (allowed,) = work["Statement"]
    assert allowed["Action"] == "events:InvokeApiDestination"
    assert all("*" not in each for each in listed(allowed["Resource"]))
    assert trust["Statement"][0]["Condition"] == {"StringEquals": {"aws:SourceAccount": "000000000000"}}


@pytest.mark.parametrize(
    ("address", "is_valid"),
    [(URL, True), ("", True), (f"{URL}?a=b&c=%20", True), ("http://example.com", False), (f"{URL}/*", False)],
)
def test_only_whole_https_addresses_are_taken(address: str, is_valid: bool) -> None:
    pattern = source()["Parameters"]["WebhookUrl"]["AllowedPattern"]

    assert bool(re.fullmatch(pattern, address)) is is_valid
    assert ("WebhookRule" in Stack(WebhookUrl=address).resources) is bool(address)
