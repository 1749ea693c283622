from __future__ import annotations

from typing import Any

import pytest
from bincli.commands.settings import reset_settings, set_settings, show_history, show_settings
from bincli.errors import CommandError
from bincli.main import app
from bintally.domain.site_settings import parameter_name
from typer.testing import CliRunner

from tests.unit.cli.moto_stack import MotoStack
from tests.unit.cli.printing import Printed
from tests.unit.functions.aws import client

VARIABLES = {"DISCREPANCY_RATE": "0.05", "DISCREPANCY_STEPS": "0.7,0.2,0.1"}
VARIABLES |= {"MATCH_RISK": "0.02", "VARIANCE_THRESHOLD": "0.5", "AUDIT_SHARE": "0.03"}


@pytest.fixture
def site(stack: MotoStack, monkeypatch: pytest.MonkeyPatch) -> MotoStack:
    answer = {"Environment": {"Variables": VARIABLES}}
    monkeypatch.setattr(stack.functions, "get_function_configuration", lambda **request: answer)
    return stack


def changed(site: MotoStack, *assignments: str) -> Printed:
    output = Printed()
    assert set_settings(site.deployment, assignments, output) == 0
    return output


def records(site: MotoStack) -> dict[str, dict[str, Any]]:
    output = Printed(as_json=True)
    show_settings(site.deployment, output)
    return {record["name"]: record for record in output.records}


def test_at_the_start_the_settings_are_those_of_the_template(site: MotoStack) -> None:
    output = Printed()
    show_settings(site.deployment, output)

    assert [row[:3] for row in output.rows[1:]] == [
        ["discrepancy-rate", "0.05", "0.05"],
        ["discrepancy-steps", "0.7,0.2,0.1", "0.7,0.2,0.1"],
        ["match-risk", "0.02", "0.02"],
        ["variance-threshold", "0.5", "0.5"],
        ["audit-share", "0.03", "0.03"],
    ]
    assert {row[4] for row in output.rows[1:]} == {"-"}


def test_a_changed_setting_names_its_author_and_the_time_of_its_own_change(site: MotoStack) -> None:
    assert (
        "New verdicts follow within a minute." in changed(site, "match-risk=0.03", "Discrepancy-Steps=0.8,0.2").stderr
    )
    first = records(site)["match_risk"]
    changed(site, "variance-threshold=0.6")

    found = records(site)

    assert found["match_risk"] == first
    assert (first["value"], first["template"]) == (0.03, 0.02)
    assert first["changed_at"] and first["changed_by"]
    assert found["discrepancy_steps"]["value"] == [0.8, 0.2]
    assert found["discrepancy_rate"]["changed_by"] == ""


@pytest.mark.parametrize(
    ("assignment", "reason"),
    [
        ("match-risk=0.6", "Nothing was changed: a match risk of 0.6 is not from 0 to 0.49."),
        ("match-risk=3%", "Nothing was changed: match_risk is '3%'"),
        ("discrepancy-steps=0.7,0.7", "'0.7,0.7' are not shares above 0 that sum to 1"),
        ("match-risk", "match-risk has no value. Write match-risk=VALUE."),
        ("matchrisk=0.1", "Setting matchrisk not found. The settings are discrepancy-rate,"),
    ],
)
def test_a_refused_value_changes_nothing(site: MotoStack, assignment: str, reason: str) -> None:
    with pytest.raises(CommandError) as refused:
        set_settings(site.deployment, ["variance-threshold=0.7", assignment], Printed())

    assert reason in str(refused.value)
    assert site.deployment.site_settings.versions() == []


def test_the_same_values_make_no_version(site: MotoStack) -> None:
    changed(site, "match-risk=0.03")

    assert changed(site, "match-risk=0.03").stderr == "Nothing to change.\n"
    assert len(site.deployment.site_settings.versions()) == 1


def test_a_reset_setting_follows_the_template_again(site: MotoStack) -> None:
    changed(site, "match-risk=0.03", "variance-threshold=0.6")

    assert reset_settings(site.deployment, ["match-risk"], Printed()) == 0
    assert (records(site)["match_risk"]["value"], records(site)["variance_threshold"]["value"]) == (0.02, 0.6)
    assert reset_settings(site.deployment, [], Printed()) == 0
    assert {record["changed_at"] for record in records(site).values()} == {""}


def test_the_history_begins_with_the_newest_version(site: MotoStack) -> None:
    changed(site, "match-risk=0.03")
    reset_settings(site.deployment, [], Printed())
    output = Printed()

    show_history(site.deployment, output)

    assert [(row[0], row[3]) for row in output.rows[1:]] == [
        ("2", "nothing: as in the template"),
        ("1", "match-risk=0.03"),
    ]


def test_a_stack_without_changes_has_no_history(site: MotoStack) -> None:
    output = Printed()
    show_history(site.deployment, output)

    assert output.stderr == "Nobody has changed a setting.\n"


def test_settings_that_verdicts_ignore_are_shown_and_can_be_repaired(site: MotoStack) -> None:
    client("ssm").put_parameter(Name=parameter_name("test"), Value='{"match_risk": "x", "a": 1}', Type="String")
    output = Printed()
    show_settings(site.deployment, output)

    assert "Verdicts use the template's values, because match_risk is 'x', not a number." in output.stdout
    changed(site, "match-risk=0.03")
    assert records(site)["match_risk"]["value"] == 0.03
    assert site.deployment.site_settings.changes() == {"match_risk": 0.03, "a": 1}


def test_two_people_at_once_are_told(site: MotoStack, monkeypatch: pytest.MonkeyPatch) -> None:
    class Late:
        """SSM in which somebody else writes between reading and writing."""

        def __getattr__(self, operation: str) -> Any:
            if operation == "put_parameter":
                client("ssm").put_parameter(Name=parameter_name("test"), Value="{}", Type="String", Overwrite=True)
            return getattr(client("ssm"), operation)

    site._clients["ssm"] = Late()
    output = Printed()

    assert set_settings(site.deployment, ["match-risk=0.03"], output) == 3
    assert "Somebody else changed settings at the same time." in output.stderr


@pytest.mark.parametrize("arguments", [[], ["--json"], ["show"]])
def test_without_a_verb_the_settings_are_shown(
    arguments: list[str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BINTALLY_WORK", str(tmp_path))

    result = CliRunner().invoke(app, ["settings", *arguments])

    assert (result.exit_code, "No local stack is running" in result.stderr) == (1, True)
