"""The commands that build an image for `sam local invoke`. tests/stack/test_docker.py runs the image."""

import sys
from pathlib import Path

import pytest
from binlocal.errors import StackError
from binlocal.lambda_image import (
    RELEASES,
    TEMPLATE,
    client_command,
    image_name,
    import_command,
    run,
    runtime_of,
    system_command,
)

ROOT = Path("/x/root")


def test_the_image_has_the_templates_python():
    runtime = runtime_of(TEMPLATE)

    assert system_command(runtime, ROOT)[-2:] == [RELEASES[runtime], str(ROOT)]
    assert f"--python-version={runtime.removeprefix('python')}" in client_command(runtime, ROOT)
    assert import_command(runtime)[-1] == image_name(runtime)
    assert f"--invoke-image {image_name(runtime)}\n" in (TEMPLATE.parent / "events" / "README.md").read_text()


def test_a_runtime_that_debian_does_not_have_is_rejected(tmp_path):
    template = tmp_path / "template.yaml"
    template.write_text("Globals: {Function: {Runtime: python3.8}}\nResources: {}\n")

    with pytest.raises(StackError, match=r"has python3\.8\. Supported: python3\.1"):
        runtime_of(template)


def test_the_runtime_client_is_a_wheel_for_the_image_and_pinned():
    command = client_command("python3.13", ROOT)

    assert command[:3] == [sys.executable, "-m", "pip"]
    assert "--only-binary=:all:" in command
    assert command[-3:-1] == ["--target", "/x/root/var/runtime"]
    assert "==" in command[-1]


def test_a_missing_program_is_named():
    with pytest.raises(StackError, match="The no-such-program command"):
        run(["no-such-program"])


def test_a_program_that_fails_is_named():
    with pytest.raises(StackError, match="false failed with exit code 1"):
        run(["false"])
