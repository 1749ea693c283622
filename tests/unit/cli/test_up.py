from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from bincli.errors import CommandError
from bincli.main import app
from bincli.up import introduction, parameters_in, write_environment
from typer.testing import CliRunner

ENVIRONMENT = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_ACCESS_KEY_ID": "it's a test"}
OUTPUTS = {
    name: name.lower() for name in ("IntakeBucket", "OrdersBucket", "JobsBucket", "BinsTable", "ConsignmentsTable")
}


def test_a_shell_takes_the_environment_as_it_is(tmp_path: Path) -> None:
    write_environment(tmp_path, ENVIRONMENT, {})

    script = f'. {tmp_path}/aws.env; printf "%s|%s" "$AWS_ENDPOINT_URL" "$AWS_ACCESS_KEY_ID"'
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout

    assert said == "http://127.0.0.1:4566|it's a test"


def test_sam_gets_the_functions_variables_and_endpoints_that_a_container_reaches(tmp_path: Path) -> None:
    write_environment(tmp_path, ENVIRONMENT, {"BINS_TABLE": "bintally-bins"})

    assert json.loads((tmp_path / "sam-env.json").read_text()) == {
        "Parameters": {"BINS_TABLE": "bintally-bins", "AWS_ENDPOINT_URL": "http://host.docker.internal:4566"}
    }


def test_the_introduction_names_the_endpoint_the_buckets_and_the_file_to_source(tmp_path: Path) -> None:
    text = introduction("http://127.0.0.1:4566", OUTPUTS, tmp_path)

    assert "http://127.0.0.1:4566" in text
    assert f"source {tmp_path}/aws.env" in text
    assert "s3://intakebucket/P-17-C/photo.jpg" in text


def test_parameters_are_given_by_name() -> None:
    given = ["BatchWindow=2", "KeyPattern=a=b", "BatchWindow=3", "AlertEmail="]

    assert parameters_in(given, {"BatchWindow", "KeyPattern", "AlertEmail"}) == {
        "BatchWindow": "3",
        "KeyPattern": "a=b",
        "AlertEmail": "",
    }


@pytest.mark.parametrize(
    ("setting", "why"), [("BatchWindow", "not of the form NAME=VALUE"), ("Batchwindow=1", "no parameter Batchwindow")]
)
def test_a_slip_in_a_parameter_is_said(setting: str, why: str) -> None:
    with pytest.raises(CommandError, match=why):
        parameters_in([setting], ["BatchWindow"])


def test_nothing_is_started_with_a_parameter_that_the_template_has_not() -> None:
    result = CliRunner().invoke(app, ["up", "--set", "Nonsense=1"])

    assert result.exit_code == 1
    assert "no parameter Nonsense" in result.stderr
    assert "Starting" not in result.stderr


def test_nothing_is_started_with_a_fault_plan_that_is_not_there() -> None:
    assert CliRunner().invoke(app, ["up", "--faults", "nowhere.json"]).exit_code == 2
