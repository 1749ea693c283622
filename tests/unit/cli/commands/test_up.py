from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from bincli.commands.up import introduction
from bincli.main import app
from bincli.up.desk import GRAPHICAL, has_browser
from bincli.up.profile import SAM_FILE
from binlocal.desk import Desk
from binlocal.gate import DOCKER_HOST
from binlocal.stack import ROOT
from typer.testing import CliRunner

OUTPUTS = {
    name: name.lower() for name in ("IntakeBucket", "OrdersBucket", "JobsBucket", "BinsTable", "ConsignmentsTable")
}


def test_the_introduction_names_the_endpoint_the_buckets_and_the_file_to_source(tmp_path: Path) -> None:
    text = introduction("http://127.0.0.1:4566", OUTPUTS, tmp_path)

    assert "http://127.0.0.1:4566" in text
    assert f"source {tmp_path}/aws.env" in text
    assert "unset AWS_PROFILE AWS_CONFIG_FILE" in text
    assert "s3://intakebucket/P-17-C/photo.jpg" in text


def test_the_introduction_says_how_to_open_the_desk(tmp_path: Path) -> None:
    address = "http://127.0.0.1:4566/_aws/execute-api/0a1b2c3d/$default/"
    text = introduction("http://127.0.0.1:4566", OUTPUTS, tmp_path, Desk(address, {"counter": "secret"}))

    assert f"\n{address}\n" in text
    assert "  counter       secret\n" in text


def test_a_browser_is_opened_only_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name in GRAPHICAL:
        monkeypatch.delenv(name, raising=False)
    assert not has_browser()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert has_browser()


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("Nonsense", "1", "no parameter Nonsense"),
        ("KeyPattern", "(", r"must be empty or have a group \(\?P<bin_id>...\)"),
        ("KeyPattern", "(?P<bin_id>[)", "is not a valid RE2 expression: missing \\]"),
        ("KeyPattern", r"(?P<bin_id>a)\1", "is not a valid RE2 expression: invalid escape sequence"),
        ("SiteTimeZone", "Mars/Olympus", "is not a time zone of the tz database"),
        ("InferenceMode", "Batch", "is none of async, batch, lambda, auto"),
        ("MaxAttempts", "0", "is not from 1 to 10"),
        ("MaxAttempts", "many", "is not a number"),
        ("AlertEmail", "nobody", "does not match"),
    ],
)
def test_nothing_is_started_with_a_parameter_that_would_fail_later(name: str, value: str, why: str) -> None:
    result = CliRunner().invoke(app, ["up", "--set", f"{name}={value}"], env={"COLUMNS": "1000", "TERM": "dumb"})

    assert result.exit_code == 2
    assert re.search(why, " ".join(result.stderr.split())), result.stderr
    assert "Starting" not in result.stderr


def test_nothing_is_started_with_a_fault_plan_that_is_not_there() -> None:
    assert CliRunner().invoke(app, ["up", "--faults", "nowhere.json"]).exit_code == 2


def test_the_introduction_shows_how_sam_runs_a_function_where_containers_reach_the_stack(tmp_path: Path) -> None:
    line = "sam local invoke SubmitFunction -e events/submit/schedule.json\n"

    assert line in introduction("http://127.0.0.1:4566", OUTPUTS, tmp_path, docker=True)
    assert line not in introduction("http://127.0.0.1:4566", OUTPUTS, tmp_path)


def test_docker_is_looked_for_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINTALLY_WORK", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    done = CliRunner().invoke(app, ["up", "--docker"])

    assert done.exit_code == 1
    assert "Error: The docker command is not installed." in done.stderr
    assert "Starting" not in done.stderr
    assert [*tmp_path.iterdir()] == []


def test_sam_finds_by_itself_the_variables_and_the_name_by_which_a_container_reaches_the_stack() -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]["local_invoke"]["parameters"]

    assert config == {
        "add_host": [f"{DOCKER_HOST}:host-gateway"],
        "env_vars": f".work/local/{SAM_FILE}",
    }
