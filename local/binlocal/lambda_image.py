"""`python -m binlocal.lambda_image`: builds a container image for `sam local invoke` where none can be pulled.

It contains the Debian release with template.yaml's Python version, AWS's runtime client, and the bootstrap that
Lambda's runtime interface emulator starts. SAM adds the emulator. Needs Linux on x86_64, root, debootstrap and Docker.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from binlocal.errors import StackError
from binlocal.template import load_template

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
# The Debian release whose python3 is the runtime's version.
RELEASES = {"python3.11": "bookworm", "python3.13": "trixie"}
RUNTIME_CLIENT = "awslambdaric==4.2.2"
RUNTIME_FOLDER = "var/runtime"
BOOTSTRAP = """\
#!/bin/sh
cd "$LAMBDA_TASK_ROOT"
PYTHONPATH="$LAMBDA_TASK_ROOT:/var/runtime" exec python3 -m awslambdaric "$_HANDLER"
"""
CHANGES = ("ENV PATH=/usr/local/bin:/usr/bin:/bin LAMBDA_TASK_ROOT=/var/task", "WORKDIR /var/task")


def image_name(runtime: str) -> str:
    return f"bintally-lambda-{runtime}"


def runtime_of(template: Path) -> str:
    """The runtime of the template's functions. Raises StackError if no Debian release has it."""
    runtime = str(load_template(template)["Globals"]["Function"]["Runtime"])
    if runtime not in RELEASES:
        raise StackError(f"No known Debian release has {runtime}. Supported: {', '.join(RELEASES)}.")
    return runtime


def system_command(runtime: str, root: Path) -> list[str]:
    """Unpacks a minimal Debian with Python into `root`."""
    packages = "--include=python3,ca-certificates"
    return ["debootstrap", "--arch=amd64", "--variant=minbase", packages, RELEASES[runtime], str(root)]


def client_command(runtime: str, root: Path) -> list[str]:
    """Installs the runtime client built for the image's Python version."""
    version = runtime.removeprefix("python")
    platform = ["--only-binary=:all:", f"--python-version={version}", "--platform=manylinux_2_28_x86_64"]
    platform += ["--platform=manylinux2014_x86_64"]
    target = ["--target", str(root / RUNTIME_FOLDER)]
    return [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", *platform, *target, RUNTIME_CLIENT]


def archive_command(root: Path) -> list[str]:
    """Writes `root` to standard output, without files that functions never read."""
    excluded = [f"--exclude=./{folder}/*" for folder in ("var/cache", "var/lib/apt", "usr/share/doc", "usr/share/man")]
    return ["tar", "-C", str(root), *excluded, "-c", "."]


def import_command(runtime: str) -> list[str]:
    """Creates an image from the archive on standard input."""
    changes = [word for change in CHANGES for word in ("--change", change)]
    return ["docker", "import", *changes, "-", image_name(runtime)]


def build(runtime: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        run(system_command(runtime, root))
        run(client_command(runtime, root))
        bootstrap = root / RUNTIME_FOLDER / "bootstrap"
        bootstrap.write_text(BOOTSTRAP)
        bootstrap.chmod(0o755)
        (root / "var" / "task").mkdir()
        with subprocess.Popen(archive_command(root), stdout=subprocess.PIPE) as archive:
            run(import_command(runtime), archive.stdout)


def run(command: Sequence[str], source: object = None) -> None:
    """Raises StackError if the command is not installed or fails."""
    try:
        subprocess.run(command, stdin=source, check=True)  # type: ignore[call-overload]
    except FileNotFoundError as error:
        raise StackError(f"The {command[0]} command is not installed. Install it and try again.") from error
    except subprocess.CalledProcessError as error:
        raise StackError(f"{command[0]} failed with exit code {error.returncode}. See above.") from error


def main() -> None:
    if os.getuid():
        sys.exit("Error: debootstrap needs root. Try: sudo make lambda-image")
    try:
        runtime = runtime_of(TEMPLATE)
        build(runtime)
    except StackError as error:
        sys.exit(f"Error: {error}")
    print(f"Built {image_name(runtime)}. Next: make invoke-docker FUNCTION=... EVENT=...")


if __name__ == "__main__":
    main()
