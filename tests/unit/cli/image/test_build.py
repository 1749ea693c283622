from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bincli.errors import CommandError
from bincli.image.build import build_argv, check_docker, content_tag, push_image
from bincli.image.repository import MANIFEST
from moto import mock_aws

from tests.unit.cli.programs import FakePrograms
from tests.unit.functions.aws import client

NAME = "bintally-counter"
INDEX = "application/vnd.oci.image.index.v1+json"


@pytest.fixture
def ecr() -> Iterator[Any]:
    with mock_aws():
        yield client("ecr")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "binmodel").mkdir()
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "binmodel" / "a.py").write_text("a = 1\n")
    return tmp_path


def pushing(ecr: Any, media_type: str = MANIFEST) -> FakePrograms:
    """Docker whose build pushes the image to ECR."""

    def push(argv: Any) -> None:
        if argv[:3] == ["docker", "buildx", "build"]:
            name = next(word for word in argv if "name=" in word).split("name=")[1].split(",")[0]
            ecr.put_image(
                repositoryName=NAME,
                imageTag=name.rpartition(":")[2],
                imageManifest=json.dumps({"schemaVersion": 2, "mediaType": media_type, "config": {}, "layers": []}),
                imageManifestMediaType=media_type,
            )

    return FakePrograms(on_run=push)


def test_the_image_is_built_for_sagemaker_and_named_by_its_digest(ecr: Any, folder: Path) -> None:
    docker = pushing(ecr)

    pushed = push_image(docker, ecr, folder, NAME)

    registry = f"{ecr.describe_repositories()['repositories'][0]['registryId']}.dkr.ecr.us-east-1.amazonaws.com"
    login, build = docker.lines
    assert login == f"docker login --username AWS --password-stdin {registry}"
    assert build == (
        "docker buildx build --platform linux/amd64 --provenance=false --sbom=false "
        f"--output type=image,name={registry}/{NAME}:{pushed.tag},oci-mediatypes=false,push=true {folder}"
    )
    assert pushed.uri == f"{registry}/{NAME}@{pushed.digest}"
    assert pushed.digest.startswith("sha256:")
    assert pushed.built


def test_the_password_is_on_no_command_line(ecr: Any, folder: Path) -> None:
    docker = pushing(ecr)

    push_image(docker, ecr, folder, NAME)

    (password,) = docker.secrets
    assert password
    assert all(password not in line for line in docker.lines)


def test_a_new_repository_scans_and_keeps_its_tags(ecr: Any, folder: Path) -> None:
    push_image(pushing(ecr), ecr, folder, NAME)

    (repository,) = ecr.describe_repositories()["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}


def test_the_same_content_is_not_built_again(ecr: Any, folder: Path) -> None:
    first = push_image(pushing(ecr), ecr, folder, NAME)
    docker = FakePrograms(missing=["docker"])

    again = push_image(docker, ecr, folder, NAME)

    assert (again.uri, again.built, docker.ran) == (first.uri, False, [])


def test_an_index_in_ecr_is_refused_because_sagemaker_would_refuse_it(ecr: Any, folder: Path) -> None:
    with pytest.raises(CommandError, match=r"which SageMaker refuses\. Push it under another --tag"):
        push_image(pushing(ecr, INDEX), ecr, folder, NAME)


def test_a_push_that_left_nothing_in_ecr_is_an_error(ecr: Any, folder: Path) -> None:
    with pytest.raises(CommandError, match="is not in ECR"):
        push_image(FakePrograms(), ecr, folder, NAME)


def test_the_tag_is_of_the_content_alone(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    tag = content_tag(folder)
    copy = tmp_path_factory.mktemp("other") / "model_code"
    shutil.copytree(folder, copy)
    (copy / "binmodel" / "__pycache__").mkdir()
    (copy / "binmodel" / "__pycache__" / "a.pyc").write_bytes(b"x")

    assert content_tag(copy) == tag
    assert content_tag(copy, "python:3.14") != tag
    (copy / "binmodel" / "a.py").write_text("a = 2\n")
    assert content_tag(copy) != tag


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("docker", "docker not found. Install it"),
        ("docker buildx", "Docker's buildx plugin not found. Install it"),
        ("docker info", "The Docker daemon doesn't answer. Start it"),
    ],
)
def test_a_missing_docker_feature_is_reported(missing: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        check_docker(FakePrograms(missing=[missing]))


def test_a_build_for_this_machine_is_loaded_into_docker() -> None:
    argv = build_argv(Path("model_code"), "bintally-counter:1", "python:3.14", push=False)

    assert argv[argv.index("--output") + 1] == "type=docker,name=bintally-counter:1,oci-mediatypes=false"
    assert argv[-3:] == ["--build-arg", "BASE_IMAGE=python:3.14", "model_code"]
