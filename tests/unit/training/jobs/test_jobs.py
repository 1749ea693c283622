"""The SageMaker jobs: what jobs.py would send, held against the service model of botocore, without account and net."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from bincli.model.bundle import Bundle
from bincli.model.registry import metadata_of, specification
from bincli.model.store import location_of
from binlab.hpo.space import SPACE
from binlab.train.monitor import METRIC_DEFINITIONS
from binlab.train.recipe import RECIPES
from binmodel.artifact import load_artifact, sha256
from botocore.model import Shape
from botocore.validate import ParamValidator
from moto.server import ThreadedMotoServer

from tests.unit.training.scripts import TRAINING, Scripts

pytest.importorskip("sagemaker.train", reason="the extra `sagemaker` is not installed")

ROLE = "arn:aws:iam::111122223333:role/bintally-training"
KEY = "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-0000-0000-0000-000000000000"
OUTPUT = "s3://my-bucket/bins/training"
COMMON = ["--output", OUTPUT, "--kms-key", KEY, "--dry-run"]
JOB = [*COMMON, "--role", ROLE, "--subnets", "subnet-0a1b2c3d", "--security-groups", "sg-0a1b2c3d"]
LEARNING = [*JOB, "--data", "s3://my-bucket/bins/prepared", "--weights", "s3://my-bucket/weights/resnet50.safetensors"]


Jobs = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def jobs(scripts: Scripts) -> Jobs:
    """jobs.py without credentials, and with proxies that nobody listens on, so that a call over the network fails."""
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
    bare = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **nowhere}

    def run(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return scripts.run("jobs.py", *arguments, environment={**bare, **(environment or {})})

    return run


def dry_run(jobs: Jobs, *arguments: str) -> dict[str, Any]:
    done = jobs(*arguments)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    assert answer["uploads"]
    for upload in answer["uploads"]:
        assert upload["folder"].startswith(f"{OUTPUT}/"), "a role may write below --output only"
        assert upload["kms_key"] == KEY
    return answer


def only_request(jobs: Jobs, operation: str, *arguments: str) -> dict[str, Any]:
    (request,) = dry_run(jobs, *arguments)["requests"]
    assert request["operation"] == operation
    assert complaints(request) == []
    return request["parameters"]


def complaints(request: dict[str, Any]) -> list[str]:
    """What the service model has against a request: names, types, lengths, allowed values and patterns."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model(request["operation"]).input_shape
    report = ParamValidator().validate(request["parameters"], shape).generate_report()
    return [*report.splitlines(), *misfits(request["parameters"], shape, request["operation"])]


def misfits(value: Any, shape: Shape, where: str) -> Iterator[str]:
    """Texts that are no allowed value or break a pattern, which botocore leaves to the service."""
    if shape.type_name == "structure":
        for name, member in value.items():
            yield from misfits(member, shape.members[name], f"{where}.{name}")
    elif shape.type_name == "list":
        for member in value:
            yield from misfits(member, shape.member, where)
    elif shape.type_name == "map":
        for name, member in value.items():
            yield from misfits(name, shape.key, where)
            yield from misfits(member, shape.value, f"{where}.{name}")
    elif isinstance(value, str):
        pattern = understood(shape.metadata.get("pattern", ".*"))
        if not re.fullmatch(pattern, value, re.DOTALL) or (shape.enum and value not in shape.enum):
            yield f"{where}: {value!r} does not fit {pattern} {shape.enum}"


def understood(pattern: str) -> str:
    """A pattern of the service model as Python reads it, for ASCII text."""
    classes = {"L": "a-zA-Z", "Z": " ", "N": "0-9", "M": "", "S": "$+<=>^`|~", "P": r"!-#%-*,-/:;?@\[-\]_{}"}
    for name, members in classes.items():
        pattern = pattern.replace(rf"\p{{{name}}}", members)
    return re.sub(r"\$\{\d+,\d+\}$", "", pattern)


def test_the_service_model_reports_errors() -> None:
    wrong = {"operation": "CreateTrainingJob", "parameters": {"TrainingJobName": "a b", "RoleArn": 3}}

    assert [word in " ".join(complaints(wrong)) for word in ("OutputDataConfig", "RoleArn", "'a b'")] == [True] * 3


def test_training_on_spot_instances(jobs: Jobs) -> None:
    request = only_request(
        jobs, "CreateTrainingJob", "train", *LEARNING, "--instances", "2", "--hours", "3", "--", "--recipe=best",
        "--lr", "1e-4",
    )  # fmt: skip

    assert request["EnableManagedSpotTraining"] is True
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 10800, "MaxWaitTimeInSeconds": 21600}
    assert request["CheckpointConfig"]["S3Uri"].startswith(f"{OUTPUT}/bintally/bintally-")
    assert request["CheckpointConfig"]["LocalPath"] == request["HyperParameters"]["checkpoints"]
    assert request["AlgorithmSpecification"]["MetricDefinitions"] == METRIC_DEFINITIONS
    assert request["HyperParameters"] | {"recipe": "best", "lr": "1e-4"} == request["HyperParameters"]
    assert request["HyperParameters"]["weights"] == "/opt/ml/input/data/weights/resnet50.safetensors"
    assert {channel["ChannelName"] for channel in request["InputDataConfig"]} == {
        "train", "weights", "code", "sm_drivers",
    }  # fmt: skip
    check_safety(request, request["ResourceConfig"])
    assert request["ResourceConfig"]["InstanceCount"] == 2


def check_safety(job: dict[str, Any], machines: dict[str, Any]) -> None:
    """Nothing leaves unencrypted, and the job runs in the VPC that it was given, as the role that it was given."""
    assert job["RoleArn"] == ROLE
    assert machines["VolumeKmsKeyId"] == KEY
    assert job["OutputDataConfig"]["KmsKeyId"] == KEY
    assert job["EnableInterContainerTrafficEncryption"] is True
    assert job["VpcConfig"] == {"Subnets": ["subnet-0a1b2c3d"], "SecurityGroupIds": ["sg-0a1b2c3d"]}


def test_tuning_searches_the_space_of_hpo(jobs: Jobs) -> None:
    request = only_request(
        jobs,
        "CreateHyperParameterTuningJob",
        "tune",
        *LEARNING,
        "--isolated",
        "--trials",
        "9",
        "--",
        "--stages",
        "4x128",
    )
    config, job = request["HyperParameterTuningJobConfig"], request["TrainingJobDefinition"]
    ranges = [each for kind in config["ParameterRanges"].values() for each in kind]

    assert {each["Name"] for each in ranges} == set(SPACE)
    assert config["ResourceLimits"]["MaxNumberOfTrainingJobs"] == 9
    assert config["HyperParameterTuningJobObjective"]["MetricName"] in {metric["Name"] for metric in METRIC_DEFINITIONS}
    assert job["AlgorithmSpecification"]["MetricDefinitions"] == METRIC_DEFINITIONS
    assert job["StaticHyperParameters"]["stages"] == "4x128"
    assert job["EnableNetworkIsolation"] is True
    assert job["EnableManagedSpotTraining"] is True
    check_safety(job, job["ResourceConfig"])


def test_preparing_collects_and_cleans(jobs: Jobs) -> None:
    request = only_request(jobs, "CreateProcessingJob", "prepare", *JOB)
    (output,) = request["ProcessingOutputConfig"]["Outputs"]

    assert output["S3Output"]["S3Uri"] == f"{OUTPUT}/prepared"
    assert request["ProcessingOutputConfig"]["KmsKeyId"] == KEY
    assert request["ProcessingResources"]["ClusterConfig"]["VolumeKmsKeyId"] == KEY
    assert request["NetworkConfig"]["VpcConfig"]["Subnets"] == ["subnet-0a1b2c3d"]


def test_collecting_everything_writes_below_output(jobs: Jobs) -> None:
    request = only_request(jobs, "CreateProcessingJob", "collect", *JOB, "--all")

    (output,) = request["ProcessingOutputConfig"]["Outputs"]
    assert output["S3Output"]["S3Uri"] == f"{OUTPUT}/raw"
    assert request["RoleArn"] == ROLE
    assert request["NetworkConfig"]["VpcConfig"]["Subnets"] == ["subnet-0a1b2c3d"]


def test_packaging_takes_the_training_jobs_models(jobs: Jobs) -> None:
    model = "s3://my-bucket/bins/training/bintally-1/output/model.tar.gz"
    answer = dry_run(
        jobs, "package", *JOB, "--data", "s3://my-bucket/bins/prepared", "--model", model, "--", "--sizes", "176"
    )
    (request,) = answer["requests"]
    (output,) = request["parameters"]["ProcessingOutputConfig"]["Outputs"]
    inputs = {each["InputName"]: each["S3Input"]["S3Uri"] for each in request["parameters"]["ProcessingInputs"]}

    assert complaints(request) == []
    assert output["S3Output"]["S3Uri"] == f"{OUTPUT}/package"
    assert (inputs["prepared"], inputs["model-0"]) == ("s3://my-bucket/bins/prepared", model)
    assert answer["price"].startswith("At most 2.77 USD: 1 x ml.m5.2xlarge for up to 6 h")


def test_evaluating_takes_what_was_packaged(jobs: Jobs) -> None:
    request = only_request(jobs, "CreateProcessingJob", "evaluate", *JOB, "--data", "s3://my-bucket/bins/prepared")
    (output,) = request["ProcessingOutputConfig"]["Outputs"]
    inputs = {each["InputName"]: each["S3Input"]["S3Uri"] for each in request["ProcessingInputs"]}

    assert output["S3Output"]["S3Uri"] == f"{OUTPUT}/evaluation"
    assert inputs["package"] == f"{OUTPUT}/package"


def test_a_registered_model_waits_for_approval(jobs: Jobs, tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_bytes(b"{}")
    (tmp_path / "model.tar.gz").write_bytes(bytes(9 * 2**20))  # more than goes up in one part
    weights = TRAINING.parent / "model_code" / "weights"
    answer = dry_run(
        jobs, "register", *COMMON, "--image", "111122223333.dkr.ecr.us-east-1.amazonaws.com/bintally:1", "--artifact",
        str(weights), "--bundle", str(tmp_path / "model.tar.gz"), "--metrics", str(tmp_path / "metrics.json"),
    )  # fmt: skip
    group, package = answer["requests"]
    version = json.loads((weights / "model.json").read_text())["version"]

    assert [complaints(group), complaints(package)] == [[], []]
    assert package["parameters"]["ModelApprovalStatus"] == "PendingManualApproval"
    assert package["parameters"]["CustomerMetadataProperties"]["version"] == version
    (container,) = package["parameters"]["InferenceSpecification"]["Containers"]
    assert container["ModelDataUrl"] == f"{OUTPUT}/models/{version}/model.tar.gz"
    # `bintally model push` enters the same: both write to the registry that `bintally model deploy` reads.
    bundle = Bundle(tmp_path / "model.tar.gz", sha256(tmp_path / "model.tar.gz"), load_artifact(weights))
    assert package["parameters"]["CustomerMetadataProperties"] == metadata_of(bundle)
    location = location_of(OUTPUT, bundle)
    assert package["parameters"]["InferenceSpecification"] == specification(container["Image"], location)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", *JOB], "--data"),
        (["train", *LEARNING, "--", "--rat", "1"], "unrecognized arguments: --rat"),
        (["train", *LEARNING, "--hours", "3", "--wait-hours", "2"], "--wait-hours 2 is shorter than --hours 3"),
        (["train", *LEARNING, "--security-groups"], "--security-groups"),
        (["prepare", *JOB, "--isolated"], "cannot collect over the network"),
        (["prepare", *JOB, "--data", "my-bucket/raw"], "is not like s3://bucket/prefix"),
        (["register", *COMMON, "--image", "i", "--artifact", "/nonexistent"], "/nonexistent"),
    ],
)
def test_wrong_usage_is_reported_and_nothing_is_sent(jobs: Jobs, arguments: list[str], says: str) -> None:
    done = jobs(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_missing_credentials_are_reported(jobs: Jobs) -> None:
    done = jobs(
        "train", *(flag for flag in LEARNING if flag != "--dry-run"), environment={"AWS_EC2_METADATA_DISABLED": "true"}
    )

    assert done.returncode == 2
    assert "credentials" in done.stderr


@pytest.fixture(scope="module")
def aws() -> Iterator[dict[str, str]]:
    """The variables of an account that moto stands in for."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
    yield {**keys, "AWS_ENDPOINT_URL": f"http://{host}:{port}", "NO_PROXY": host}
    server.stop()


def test_a_job_is_sent(jobs: Jobs, aws: dict[str, str]) -> None:
    account = boto3.Session("testing", "testing", region_name="us-east-1")
    place = {"endpoint_url": aws["AWS_ENDPOINT_URL"]}
    account.client("s3", **place).create_bucket(Bucket="my-bucket")
    done = jobs("train", *(flag for flag in LEARNING if flag != "--dry-run"), environment=aws)

    assert done.returncode == 0, done.stderr[-2000:]
    sent = account.client("sagemaker", **place).describe_training_job(TrainingJobName=done.stdout.strip())
    assert sent["ResourceConfig"]["VolumeKmsKeyId"] == KEY
    keys = [each["Key"] for each in account.client("s3", **place).list_objects_v2(Bucket="my-bucket")["Contents"]]
    assert {"code/train.py", "code/binlab/train/recipe.py", "code/binmodel/network.py", "code/requirements.txt"} <= {
        key.split("/input/")[1] for key in keys
    }


def test_no_bucket_is_created(jobs: Jobs, aws: dict[str, str]) -> None:
    done = jobs(
        "train", "--role", ROLE, "--data", "s3://my-bucket/bins", "--output", "s3://nobodys-bucket", environment=aws
    )

    assert done.returncode == 2
    assert "The bucket of --output does not exist" in done.stderr
    assert "nobodys-bucket" in done.stderr


def test_every_flag_of_the_space_belongs_to_a_recipe() -> None:
    assert {name.replace("-", "_") for name in SPACE} <= set(vars(RECIPES["best"]))
