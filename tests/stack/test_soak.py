"""The soak and the comparison of engines, as `make soak` and a person run them, but for half a minute."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.stack.conftest import ROOT

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]


def run(script: str, *flags: str) -> dict[str, object]:
    command = [sys.executable, str(ROOT / "benchmarks" / script), *flags, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.stdout, done.stderr[-3000:]
    return {"status": done.returncode, **json.loads(done.stdout)}


def test_half_a_minute_of_faults_and_kills_loses_nothing() -> None:
    found = run("soak.py", "--seconds", "30", "--kill-every", "5", "--victims", "model", "sagemaker", "lambda")

    assert found["clean"] and found["status"] == 0, found
    assert found["images"] == found["places"]["COUNTED"]  # type: ignore[index]
    assert set(found["kills"]) == {"model", "sagemaker", "lambda"}  # type: ignore[call-overload]
    faults, jobs = found["faults"], found["jobs"]
    assert {kind.partition(".")[0] for kind in faults} >= {"notifications", "requests"}  # type: ignore[attr-defined]
    # At these rates there are about two faults for three jobs. The counts survive the kills.
    assert sum(faults.values()) >= sum(jobs.values()) / 3, found  # type: ignore[attr-defined]
    assert 0 < found["model_server_mib"] < 1024  # type: ignore[operator]


def test_both_engines_give_the_same_counts() -> None:
    found = run("engines.py", "--images", str(ROOT / "tests" / "photos"))

    assert found["equal"] and found["status"] == 0, found
    assert {mode: list(each["jobs"].values()) for mode, each in found["modes"].items()} == {  # type: ignore[attr-defined]
        "async": [1, 0],
        "batch": [0, 1],
        "auto": [1, 0],
    }
