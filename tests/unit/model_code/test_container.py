"""The container's dependencies: the versions that the tests use, and none of training."""

import ast
import re
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

MODEL_CODE = Path(__file__).parents[3] / "model_code"
REQUIREMENTS = [line for line in (MODEL_CODE / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
DISTRIBUTIONS = {"PIL": "pillow"}


def imported(path: Path) -> set[str]:
    """The top-level modules that a file imports, except those only for type checkers."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module != "mypy_boto3_s3":
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_the_container_has_the_versions_that_are_tested(requirement: str) -> None:
    name, _, pinned = requirement.partition("==")

    assert pinned == version(name)


def test_the_container_has_what_the_server_imports_and_no_torch() -> None:
    pinned = {requirement.partition("==")[0] for requirement in REQUIREMENTS}
    files = [MODEL_CODE / "serve.py", *(MODEL_CODE / "binmodel").glob("*.py")]
    needed = set.union(*map(imported, files)) - set(sys.stdlib_module_names) - {"binmodel"}
    only_with_torch = {"torch", "torchvision", "safetensors"}

    assert {DISTRIBUTIONS.get(name, name) for name in needed - only_with_torch} <= pinned
    assert not only_with_torch & pinned


def test_only_the_torch_backend_imports_torch_and_never_at_import() -> None:
    users = {path.name for path in (MODEL_CODE / "binmodel").glob("*.py") if "torch" in imported(path)}
    at_import = [
        path.name
        for path in (MODEL_CODE / "binmodel").glob("*.py")
        if re.search(r"^(import|from) (torch|onnxruntime|boto3)\b", path.read_text(), re.MULTILINE)
    ]

    assert users == {"backends.py", "network.py"}
    assert at_import == []


def test_the_image_runs_the_server_with_the_shipped_weights() -> None:
    lines = (MODEL_CODE / "Dockerfile").read_text().splitlines()

    assert 'ENTRYPOINT ["python", "serve.py", "--host", "0.0.0.0"]' in lines
    assert "COPY weights weights" in lines


def test_the_image_runs_as_root_as_sagemaker_expects() -> None:
    instructions = [line.split()[0] for line in (MODEL_CODE / "Dockerfile").read_text().splitlines() if line.strip()]

    assert "USER" not in instructions


def test_the_base_image_has_a_digest() -> None:
    dockerfile = (MODEL_CODE / "Dockerfile").read_text()

    assert re.search(r"^ARG BASE_IMAGE=python:3\.\d+-slim-\w+@sha256:[0-9a-f]{64}$", dockerfile, re.MULTILINE)
    assert re.findall(r"^FROM (.*)$", dockerfile, re.MULTILINE) == ["${BASE_IMAGE}"]
