from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from bintally.handlers.settings import settings
from bintally.handlers.wiring import dependencies
from bintally.usecases.site_settings import current_rules

from tests.unit.functions.aws import client
from tests.unit.functions.handlers.lambdas import run


def set_by_hand(environment: dict[str, str], value: str) -> None:
    client("ssm").put_parameter(Name=environment["SETTINGS_PARAMETER"], Value=value, Type="String", Overwrite=True)


def test_an_unknown_consignment_has_no_lines(on_aws: dict[str, str]) -> None:
    assert run("reconcile", {"consignment_id": "C-none"}) == {"lines": 0, "verdicts": {}}


def test_verdicts_follow_what_people_set(on_aws: dict[str, str]) -> None:
    set_by_hand(on_aws, '{"match_risk": 0.2}')

    rules, fault = current_rules(dependencies().site_settings, settings().verdict_rules)

    assert (rules.match_risk, rules.variance, fault) == (0.2, settings().verdict_rules.variance, "")


@pytest.mark.parametrize(
    ("value", "reason"), [("{", "is not JSON"), ('{"match_risk": 0.6}', "a match risk of 0.6 is not from 0 to 0.49")]
)
def test_settings_that_cannot_be_used_stop_no_verdict(
    on_aws: dict[str, str],
    logs: Callable[[], list[dict[str, Any]]],
    capsys: pytest.CaptureFixture[str],
    value: str,
    reason: str,
) -> None:
    set_by_hand(on_aws, value)

    assert run("reconcile", {"consignment_id": "C-none"}) == {"lines": 0, "verdicts": {}}

    (warning,) = [line for line in logs() if line["level"] == "WARNING"]
    assert warning["message"] == "settings ignored"
    assert reason in warning["reason"]
    (measured,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert measured["SettingsIgnored"] == [1.0]
    rules, _ = current_rules(dependencies().site_settings, settings().verdict_rules)
    assert rules == settings().verdict_rules
