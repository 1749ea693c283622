"""What `sam build` makes answers its event with nothing but what functions/requirements.txt names."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.stack.conftest import ROOT, Floor

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]
SAM = ROOT / ".venv" / "sam" / "bin" / "sam"
# The Python of the template's Runtime, in a virtual environment that `make` sets up.
BUILDER = next(iter(sorted(ROOT.glob(".venv/builder-*/bin"))), None)
ANSWER = """
import json, sys
sys.path.insert(0, sys.argv[1])
from bintally.handlers.intake import handler
from aws_lambda_powertools.utilities.typing import LambdaContext
context = LambdaContext()
context._function_name, context._memory_limit_in_mb = "intake", 512
context._invoked_function_arn, context._aws_request_id = "arn:aws:lambda:us-east-1:000000000000:function:intake", "1"
answer = handler(json.load(open(sys.argv[2])), context)
print(json.dumps({"answer": answer, "modules": sorted(sys.modules)}))
"""


def test_the_built_function_stands_on_its_own(floor: Floor, tmp_path: Path) -> None:
    if not SAM.exists():
        pytest.skip("The SAM command is not installed: make check installs it.")
    if BUILDER is None:
        pytest.skip("The Python of the template's Runtime is not here: make build says how to get it.")
    environment = {**os.environ, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"}
    environment["PATH"] = f"{BUILDER}:{environment['PATH']}"
    build = [SAM, "build", "IntakeFunction", "--build-dir", tmp_path / "build", "--cache-dir", tmp_path / "cache"]
    subprocess.run(build, cwd=ROOT, env=environment, check=True, capture_output=True)
    function = floor.stack.client("lambda").get_function_configuration(
        FunctionName=floor.stack.outputs["IntakeFunction"]
    )

    # -I and -S: neither this environment's packages nor the user's are on the path.
    said = subprocess.run(
        [
            BUILDER / "python",
            "-I",
            "-S",
            "-c",
            ANSWER,
            tmp_path / "build/IntakeFunction",
            ROOT / "events/intake/s3-put.json",
        ],
        env={**floor.stack.environment, **function["Environment"]["Variables"]},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()[-1]

    assert json.loads(said)["answer"] == {"batchItemFailures": []}
    loaded = {module.split(".")[0] for module in json.loads(said)["modules"]}
    assert "bintally" in loaded
    assert loaded.isdisjoint({"torch", "numpy", "onnxruntime", "sagemaker", "binmodel", "PIL"})
