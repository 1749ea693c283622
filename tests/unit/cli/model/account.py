"""An account with a registry, a bucket in moto, and a stack that sam deploys."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bincli.commands.deploy import Deployer, Outcome
from bincli.model.bundle import Bundle, read_bundle
from bincli.model.registry import Package
from bincli.model.rollout import Rollout, previous, rollout_of
from bincli.model.site import Site
from binmodel.artifact import DESCRIPTION, ONNX_INT8, sha256
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.unit.cli.commands.test_deploy import ADDED
from tests.unit.cli.commands.test_deploy import Account as StackAccount
from tests.unit.cli.model.sagemaker import FakeSageMaker
from tests.unit.cli.printing import Printed
from tests.unit.functions.aws import client

BUCKET = "models"
PLACE = f"s3://{BUCKET}/bintally"
IMAGE = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/bintally-counter@sha256:aa"


def write_bundle(path: Path, version: str = "aaaa00000001", **files: bytes) -> Path:
    """A bundle with a model that has this version. `files` replace or add members."""
    weights = b"weights of " + version.encode()
    folder = path.parent / f"{path.stem}.parts"
    folder.mkdir(exist_ok=True)
    (folder / ONNX_INT8).write_bytes(weights)
    model = {"version": version, "architecture": "resnet50", "classes": [1, 2, 3, 4, 5], "input_size": 176}
    model |= {"mean": [0.4, 0.4, 0.4], "std": [0.2, 0.2, 0.2], "temperature": 1.0, "licence": "Ours (c) 2026"}
    model |= {"weights": {ONNX_INT8: sha256(folder / ONNX_INT8)}, "data": {"sha256": "dd"}}
    model |= {"metrics": {"int8": {"test": {"balanced_within_one": 0.79}}}}
    members = {DESCRIPTION: json.dumps(model).encode(), ONNX_INT8: weights, **files}
    # Without a time, so that the same members always have the same digest.
    with gzip.GzipFile(path, "wb", mtime=0) as file, tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


class Account(StackAccount):
    """The stack is prod, with the weights inside IMAGE at first."""

    def __init__(self, tmp_path: Path) -> None:
        super().__init__("CREATE_COMPLETE", changes=[ADDED])
        self.cloudformation.parameters["ModelImageUri"] = IMAGE
        self.tmp_path, self.sagemaker = tmp_path, FakeSageMaker()
        client("s3").create_bucket(Bucket=BUCKET)
        self.site = Site(self.client, "prod", "bintally")

    def client(self, service: str) -> Any:
        if service == "sagemaker":
            return self.sagemaker
        if service == "s3":
            return client("s3")
        return super().client(service)

    def bundle(self, version: str) -> Bundle:
        return read_bundle(write_bundle(self.tmp_path / f"{version}.tar.gz", version))

    def push(self, version: str, *, approved: bool = True) -> Package:
        """Push a model, and approve it as a person does."""
        package = self.site.push(self.bundle(version), PLACE, None, Printed())
        if approved:
            self.review(package, "Approved")
        return self.site.registry.find(version)

    def review(self, package: Package, status: str) -> None:
        self.sagemaker.update_model_package(ModelPackageArn=package.arn, ModelApprovalStatus=status)

    def roll_out(self, rollout: Rollout, *, back: bool = False, plan: bool = False) -> Outcome:
        deployer = Deployer(self.client, self.programs, self.output, "prod", None)
        return self.site.roll_out(rollout, deployer, plan=plan, yes=True, back=back)

    def deploy_model(self, version: str, *, force: bool = False, plan: bool = False) -> Outcome:
        rollout = rollout_of(self.site.registry.find(version), client("s3"), force=force)
        return self.roll_out(rollout, plan=plan)

    def rollback(self) -> Outcome:
        packages, parameters = self.site.registry.packages(), self.parameters
        return self.roll_out(previous(packages, parameters, "prod", client("s3")), back=True)

    @property
    def parameters(self) -> Mapping[str, str]:
        """The stack's, without sam's quotes."""
        return {name: value.strip('"') for name, value in self.cloudformation.parameters.items()}


def no_endpoint(**request: str) -> Any:
    raise ClientError({"Error": {"Code": "ValidationException", "Message": "Could not find"}}, "DescribeEndpoint")


def with_endpoint(**request: str) -> Any:
    variants = [{"CurrentInstanceCount": 2}]
    return {"EndpointStatus": "Failed", "FailureReason": "No capacity.", "ProductionVariants": variants}


def endpoints(answer: Any) -> Any:
    """SageMaker as far as `Site.endpoint` uses it."""
    return SimpleNamespace(describe_endpoint=answer)


@contextmanager
def account(tmp_path: Path) -> Iterator[Account]:
    with mock_aws():
        yield Account(tmp_path)
