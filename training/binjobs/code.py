"""The code of a job: the scripts of training/ and the two libraries they import, in one folder."""

from __future__ import annotations

import shlex
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path

TRAINING = Path(__file__).resolve().parents[1]
ROOT = TRAINING.parent
PACKAGES = (TRAINING / "binlab", ROOT / "model_code" / "binmodel")


def stage(folder: Path, *, install: bool) -> Path:
    """Copy the code to `folder`; with `install`, also the requirements that the image lacks."""
    folder.mkdir(exist_ok=True)
    for script in TRAINING.glob("*.py"):
        shutil.copyfile(script, folder / script.name)
    for package in PACKAGES:
        shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    if install:
        shutil.copyfile(TRAINING / "requirements.txt", folder / "requirements.txt")
        shutil.copyfile(ROOT / "constraints.txt", folder / "constraints.txt")
    return folder


def stage_serving(folder: Path) -> None:
    """Copy model_code/ without the shipped weights to the staged `folder`: package.py puts it into the bundle."""
    ignored = shutil.ignore_patterns("__pycache__", "*.onnx", "*.safetensors", "model.json", "MODEL_CARD.md")
    shutil.copytree(ROOT / "model_code", folder / "model_code", ignore=ignored)


def packed(folder: Path, file: Path) -> Path:
    """Pack the folder as a .tar.gz `file`."""
    with tarfile.open(file, "w:gz") as archive:
        archive.add(folder, arcname=".")
    return file


def write_script(path: Path, commands: Sequence[Sequence[str]]) -> Path:
    """Write a shell script that runs the commands in order and stops at the first failure.

    Exit code 3 is not a failure: our scripts use it if they did what was possible and recorded the rest.
    """
    path.write_text("\n".join(["set -e", *(f"{shlex.join(command)} || [ $? -eq 3 ]" for command in commands)]) + "\n")
    return path
