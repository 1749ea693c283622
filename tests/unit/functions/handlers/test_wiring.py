"""What importing a function costs, and what it brings along."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.functions.handlers.lambdas import FUNCTIONS

HANDLERS = Path(__file__).resolve().parents[4] / "functions" / "bintally" / "handlers"
PROBE = """
import importlib, json, sys
importlib.import_module("bintally.handlers.{}")
import boto3
from bintally.adapters import clients
print(json.dumps({{
    "heavy": sorted({{"torch", "numpy", "onnxruntime", "PIL", "binmodel", "binlab", "sagemaker"}} & set(sys.modules)),
    "session": boto3.DEFAULT_SESSION is not None,
    "clients": clients.client.cache_info().currsize,
}}))
"""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_importing_a_function_needs_no_environment_loads_no_model_and_asks_aws_nothing(function: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROBE.format(function)],
        env={},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"heavy": [], "session": False, "clients": 0}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_handler_is_short(function: str) -> None:
    assert len((HANDLERS / f"{function}.py").read_text().splitlines()) <= 60
