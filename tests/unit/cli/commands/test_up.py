from __future__ import annotations

import re
from pathlib import Path

import pytest
from bincli.commands.up import (
    introduction,
)
from bincli.main import app
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
    assert re.search(why, " ".join(result.stderr.split())), result.stderr
    assert "Starting" not in result.stderr


def test_nothing_is_started_with_a_fault_plan_that_is_not_there() -> None:
    assert CliRunner().invoke(app, ["up", "--faults", "nowhere.json"]).exit_code == 2
