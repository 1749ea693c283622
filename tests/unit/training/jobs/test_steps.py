"""What jobs are made of, without the SDK: prices, staged code, downloads, the role."""

from __future__ import annotations

import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from binjobs.code import stage, stage_serving, write_script
from binjobs.prices import price_of
from binlocal.template import load_template
from moto import mock_aws

from tests.unit.functions.aws import client
from tests.unit.training.scripts import TRAINING

ROLE = load_template(TRAINING / "role.yaml")
FREE = {"ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"}  # these take no resource


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"instance_type": "ml.m5.2xlarge", "hours": 2},
            "At most 0.92 USD: 1 x ml.m5.2xlarge for up to 2 h each at 0.461",
        ),
        ({"instance_type": "ml.g5.xlarge", "hours": 6, "instances": 2, "on_demand": False}, "At most 16.90 USD: 2 x"),
        ({"instance_type": "ml.g5.xlarge", "hours": 1, "trials": 20, "on_demand": False}, "At most 28.16 USD: 20 x"),
        ({"instance_type": "ml.p5.48xlarge", "hours": 1}, "Price not known: 1 x ml.p5.48xlarge"),
        ({"command": "register"}, ""),
    ],
)
def test_the_highest_price_is_said_or_that_it_is_not_known(options: dict[str, Any], says: str) -> None:
    price = price_of(Namespace(**options))

    assert price.startswith(says)
    assert ("Spot instances cost less." in price) == (options.get("on_demand") is False)


def test_the_staged_code_can_write_a_bundle_that_serves(tmp_path: Path) -> None:
    """In a job there is no repository: what package.py needs of model_code/ lies beside it."""
    code = stage(tmp_path / "code", install=True)
    stage_serving(code)
    script = (
        "from pathlib import Path; from binlab.package.artifact import CODE, bundle_contents;"
        f"print(CODE); print(*bundle_contents(Path({str(TRAINING.parent / 'model_code' / 'weights')!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=code, env={"PYTHONPATH": str(code), "PATH": "/usr/bin"}, text=True,
        capture_output=True, check=True,
    )  # fmt: skip

    assert done.stdout.splitlines()[0] == str(code / "model_code")
    assert {"code/serve.py", "code/inference.py", "code/binmodel/predict.py"} <= set(done.stdout.split())
    assert (code / "model_code" / "weights" / "LICENSE").is_file()
    assert not list(code.rglob("*.onnx")), "the shipped weights stay here"


def test_a_step_that_did_what_was_possible_does_not_stop_the_next(tmp_path: Path) -> None:
    script = write_script(
        tmp_path / "steps.sh", [["sh", "-c", "exit 3"], ["echo", "next"], ["false"], ["echo", "never"]]
    )

    done = subprocess.run(["bash", script], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (1, "next\n")


@mock_aws
def test_what_jobs_wrote_is_downloaded_and_nothing_leaves_the_folder(tmp_path: Path) -> None:
    pytest.importorskip("sagemaker.core", reason="the extra `sagemaker` is not installed")
    from binjobs.fetch import download

    client("s3").create_bucket(Bucket="my-bucket")
    for key in (
        "b/package/artifact/model.json",
        "b/package/model.tar.gz",
        "b/package/../../evil",
        "b/packages/x",
        "b/package/",
    ):
        client("s3").put_object(Bucket="my-bucket", Key=key, Body=b"x")

    number = download(client("s3"), "s3://my-bucket/b/package", tmp_path / "to")

    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert (number, found) == (2, ["to/artifact/model.json", "to/model.tar.gz"])


def statements() -> list[dict[str, Any]]:
    policies = ROLE["Resources"]["TrainingRole"]["Properties"]["Policies"]
    plain = [each if "PolicyName" in each else each["Fn::If"][1] for each in policies]
    return [one for policy in plain for one in policy["PolicyDocument"]["Statement"] if policy["PolicyName"] != "Vpc"]


def test_the_role_of_the_jobs_reaches_one_prefix_and_no_other_service() -> None:
    for statement in statements():
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not [action for action in actions if "*" in action]
        assert set(actions) <= FREE or statement["Resource"] != "*", statement
    write = next(one for one in statements() if "s3:PutObject" in one["Action"])
    assert write["Resource"] == {"Fn::Sub": "arn:${AWS::Partition}:s3:::${Bucket}/${Prefix}/*"}
