from __future__ import annotations

import json
import re
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
from bincli.commands.up import (
    DEFAULT_PORT,
    check_parameters,
    introduction,
    parameters_in,
    usual_port,
    written_environment,
)
from bincli.errors import CommandError
from bincli.main import app
from binlocal.environment import client_environment
from binlocal.processes import is_free
from binlocal.stack import ROOT
from binlocal.template import load_template
from typer.testing import CliRunner

ENVIRONMENT = client_environment("http://127.0.0.1:4566", "http://127.0.0.1:4567")
OUTPUTS = {
    name: name.lower() for name in ("IntakeBucket", "OrdersBucket", "JobsBucket", "BinsTable", "ConsignmentsTable")
}


def test_sam_gets_the_functions_variables_and_endpoints_that_a_container_reaches(tmp_path: Path) -> None:
    with written_environment(tmp_path, ENVIRONMENT, {"BINS_TABLE": "bintally-bins"}):
        assert json.loads((tmp_path / "sam-env.json").read_text()) == {
            "Parameters": {
                "BINS_TABLE": "bintally-bins",
                "AWS_ENDPOINT_URL": "http://host.docker.internal:4566",
                "AWS_ENDPOINT_URL_SAGEMAKER": "http://host.docker.internal:4567",
                "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": "http://host.docker.internal:4567",
            }
        }


def test_the_files_hold_the_key_of_a_stack_so_nobody_else_reads_them_and_they_go_with_it(tmp_path: Path) -> None:
    (tmp_path / "aws.env").write_text("of an earlier stack")
    with written_environment(tmp_path, ENVIRONMENT, {}):
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        assert modes == dict.fromkeys(["aws-config", "aws.env", "sam-env.json"], 0o600)

    assert [*tmp_path.iterdir()] == []


def test_the_usual_port_is_another_one_only_while_it_is_taken() -> None:
    with ExitStack() as stack:
        if is_free(DEFAULT_PORT):
            assert usual_port() == DEFAULT_PORT
            stack.enter_context(socket.create_server(("127.0.0.1", DEFAULT_PORT)))
        assert usual_port() != DEFAULT_PORT


def test_the_introduction_names_the_endpoint_the_buckets_and_the_file_to_source(tmp_path: Path) -> None:
    text = introduction("http://127.0.0.1:4566", OUTPUTS, tmp_path)

    assert "http://127.0.0.1:4566" in text
    assert f"source {tmp_path}/aws.env" in text
    assert "unset AWS_PROFILE AWS_CONFIG_FILE" in text
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


TEMPLATE = load_template(ROOT / "template.yaml")["Parameters"]


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("Nonsense", "1", "no parameter Nonsense"),
        ("KeyPattern", "(", r"must be empty or have a group \(\?P<bin_id>...\)"),
        ("KeyPattern", "(?P<bin_id>[)", "is no regular expression of RE2: missing \\]"),
        ("KeyPattern", r"(?P<bin_id>a)\1", "is no regular expression of RE2: invalid escape sequence"),
        ("SiteTimeZone", "Mars/Olympus", "is not a time zone of the tz database"),
        ("InferenceMode", "Batch", "is none of async, batch, auto"),
        ("MaxAttempts", "0", "is not from 1 to 10"),
        ("MaxAttempts", "many", "is not a number"),
        ("AlertEmail", "nobody", "does not match"),
    ],
)
def test_nothing_is_started_with_a_parameter_that_would_fail_later(name: str, value: str, why: str) -> None:
    result = CliRunner().invoke(app, ["up", "--set", f"{name}={value}"], env={"COLUMNS": "1000", "TERM": "dumb"})

    assert result.exit_code == 2
    assert re.search(why, " ".join(result.stderr.replace("│", " ").split())), result.stderr
    assert "Starting" not in result.stderr


def test_the_templates_own_values_pass() -> None:
    check_parameters({name: str(each["Default"]) for name, each in TEMPLATE.items()}, TEMPLATE)
    check_parameters({"KeyPattern": r"^[^/]+/(?P<bin_id>[A-Z]-\d+)", "SiteTimeZone": "Europe/Berlin"}, TEMPLATE)


def test_nothing_is_started_with_a_fault_plan_that_is_not_there() -> None:
    assert CliRunner().invoke(app, ["up", "--faults", "nowhere.json"]).exit_code == 2
