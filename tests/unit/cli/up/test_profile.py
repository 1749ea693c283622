from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bincli.up.profile import LEAVE, profile, shell_lines, written_environment
from binlocal.environment import client_environment

ENVIRONMENT = client_environment("http://127.0.0.1:4566", "http://127.0.0.1:4567")
SHELLS = [shell for shell in ("sh", "bash", "zsh") if shutil.which(shell)]
# A terminal of somebody who works with AWS.
TERMINAL = {
    "PATH": "/usr/bin:/bin",
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "AWS_SECRET_ACCESS_KEY": "real",
    "AWS_SESSION_TOKEN": "real",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:2",
    "AWS_PROFILE": "prod",
    "NO_PROXY": ".corp",
}
LOOK = """
import boto3, json
session = boto3.Session()
keys = session.get_credentials()
services = ("s3", "dynamodb", "sagemaker", "sagemaker-runtime")
endpoints = {name: session.client(name).meta.endpoint_url for name in services}
print(json.dumps([endpoints, keys.access_key, keys.token, session.region_name]))
"""


@pytest.fixture
def sourced(tmp_path: Path) -> Path:
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    (folder / "aws-config").write_text(profile(ENVIRONMENT))
    (folder / "aws.env").write_text(shell_lines(folder / "aws-config"))
    return folder / "aws.env"


def typed(shell: str, sourced: Path, script: str, **more: str) -> str:
    lines = f'set -u\n. "{sourced}"\n{script}'
    environment = {**TERMINAL, "HOME": str(sourced.parent), **more}
    return subprocess.run([shell, "-c", lines], env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_an_sdk_in_a_terminal_that_sourced_it_finds_the_stack_and_no_trace_of_the_own_account(
    shell: str, sourced: Path
) -> None:
    said = json.loads(typed(shell, sourced, f"'{sys.executable}' -c '{LOOK}'"))

    assert said == [
        {
            "s3": "http://127.0.0.1:4566",
            "dynamodb": "http://127.0.0.1:4566",
            "sagemaker": "http://127.0.0.1:4567",
            "sagemaker-runtime": "http://127.0.0.1:4567",
        },
        ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        None,
        "us-east-1",
    ]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_terminal_names_a_profile_and_is_left_with_one_line(shell: str, sourced: Path) -> None:
    look = "env | grep ^AWS_ | cut -d= -f1 | sort | tr '\\n' ' '"

    assert typed(shell, sourced, look) == "AWS_CONFIG_FILE AWS_PROFILE "
    assert typed(shell, sourced, f"{LEAVE}\n{look}") == ""
    assert LEAVE in sourced.read_text()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"NO_PROXY": ""}, "127.0.0.1,localhost|"),
        ({}, ".corp,127.0.0.1,localhost|"),
        ({"NO_PROXY": "localhost", "no_proxy": ".corp"}, "localhost,127.0.0.1|.corp,127.0.0.1,localhost"),
    ],
)
def test_the_proxy_is_bypassed_and_other_variables_are_kept(
    shell: str, sourced: Path, before: dict[str, str], after: str
) -> None:
    twice = f'. "{sourced}"\nprintf "%s|%s" "$NO_PROXY" "${{no_proxy:-}}"'

    assert typed(shell, sourced, twice, **before) == after


def test_sam_gets_the_functions_variables_and_endpoints_that_a_container_reaches(tmp_path: Path) -> None:
    with written_environment(tmp_path, ENVIRONMENT, {"BINS_TABLE": "bintally-bins"}):
        assert json.loads((tmp_path / "sam-env.json").read_text()) == {
            "Parameters": {
                "BINS_TABLE": "bintally-bins",
                "AWS_ENDPOINT_URL": "http://host.docker.internal:4566",
                "AWS_ENDPOINT_URL_SAGEMAKER": "http://host.docker.internal:4567",
                "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": "http://host.docker.internal:4567",
                "AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING": "http://host.docker.internal:4567",
            }
        }


def test_the_files_hold_the_key_of_a_stack_so_nobody_else_reads_them_and_they_go_with_it(tmp_path: Path) -> None:
    (tmp_path / "aws.env").write_text("of an earlier stack")
    with written_environment(tmp_path, ENVIRONMENT, {}):
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        assert modes == dict.fromkeys(["aws-config", "aws.env", "sam-env.json"], 0o600)

    assert [*tmp_path.iterdir()] == []
