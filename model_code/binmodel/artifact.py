"""A model folder: the weights, and `model.json`, which describes their inputs, outputs and quality."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from binmodel.volume import VolumeCalibration, volume_calibration

ONNX_INT8 = "network.int8.onnx"
SAFETENSORS = "network.safetensors"
DESCRIPTION = "model.json"


class ArtifactError(Exception):
    """A model folder that cannot be used: a file is missing, unreadable, or does not match `model.json`."""


@dataclass(frozen=True)
class Conformal:
    """Intervals with more than `mass` probability contain the true count with probability `coverage`."""

    coverage: float
    mass: float


@dataclass(frozen=True)
class Artifact:
    """The content of `model.json`. `weights` maps each weights file to its SHA-256, `metrics` are the model card's.

    `classes` are the counts that the model was trained on. `outputs` are the meanings of the network's outputs, in
    order: the classes, optionally preceded by 0 (an empty bin) and followed by one more (above the last class).
    `biases`, if there are any, are added to the logits, which are then divided by `temperature`, to calibrate the
    probabilities. A model with a `volume` has
    one more output, the log litres of all items.
    """

    folder: Path
    architecture: str
    classes: tuple[int, ...]
    outputs: tuple[int, ...]
    input_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    temperature: float
    version: str
    weights: Mapping[str, str]
    data: Mapping[str, Any]
    metrics: Mapping[str, Any]
    licence: str
    conformal: Conformal | None = None
    volume: VolumeCalibration | None = None
    biases: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError unless the outputs are the consecutive classes, optionally with 0 before and one after."""
        first, last = self.classes[0], self.classes[-1]
        known = tuple(range(0 if first == 1 and self.outputs[0] == 0 else first, last + 1))
        if self.classes != tuple(range(first, last + 1)) or self.outputs not in (known, (*known, last + 1)):
            raise ValueError(f"outputs {self.outputs} do not match the classes {self.classes}")
        if self.biases and len(self.biases) != len(self.outputs):
            raise ValueError(f"{len(self.biases)} biases for {len(self.outputs)} outputs")

    @property
    def name(self) -> str:
        """`<architecture>@<version>`, which is part of every prediction."""
        return f"{self.architecture}@{self.version}"

    def verified(self, file: str) -> Path:
        """The path of a weights file whose SHA-256 matches `model.json`. Raises ArtifactError."""
        path = self.folder / file
        if file not in self.weights or not path.is_file():
            raise ArtifactError(f"{self.folder} has no {file}, which this backend needs.")
        if sha256(path) != self.weights[file]:
            raise ArtifactError(f"{path} does not match {DESCRIPTION} (its SHA-256 differs).")
        return path


def load_artifact(folder: Path) -> Artifact:
    """Reads the description of the model in `folder`, but no weights. Raises ArtifactError."""
    path = Path(folder) / DESCRIPTION
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return Artifact(
            folder=Path(folder),
            architecture=str(fields["architecture"]),
            classes=tuple(int(count) for count in fields["classes"]),
            outputs=tuple(int(count) for count in fields.get("outputs", fields["classes"])),
            input_size=int(fields["input_size"]),
            mean=tuple(float(value) for value in fields["mean"]),
            std=tuple(float(value) for value in fields["std"]),
            temperature=float(fields["temperature"]),
            version=str(fields["version"]),
            weights=dict(fields["weights"]),
            data=dict(fields.get("data", {})),
            metrics=dict(fields.get("metrics", {})),
            licence=str(fields.get("licence", "")),
            conformal=_conformal(fields.get("conformal")),
            volume=volume_calibration(fields.get("volume")),
            biases=tuple(float(value) for value in fields.get("biases", ())),
        )
    except FileNotFoundError as error:
        raise ArtifactError(f"There is no model in {folder}: {DESCRIPTION} is missing.") from error
    except (LookupError, TypeError, ValueError) as error:
        raise ArtifactError(f"{path} is not a valid model description: {error!r}.") from error


def _conformal(fields: Mapping[str, Any] | None) -> Conformal | None:
    return Conformal(float(fields["coverage"]), float(fields["mass"])) if fields else None


def shipped() -> Path:
    """The folder named by BINTALLY_MODEL, or that of the model shipped with the project."""
    return Path(os.environ.get("BINTALLY_MODEL") or Path(__file__).parents[1] / "weights")


def model_to_serve(mounted: Path) -> Path:
    """The folder into which SageMaker unpacks ModelDataUrl, or the shipped model's folder if that is empty or missing.

    Raises ArtifactError if it has files but no model at its top level: the shipped model must not be used instead.
    """
    if not mounted.is_dir() or not any(mounted.iterdir()):
        return shipped()
    if (mounted / DESCRIPTION).is_file():
        return mounted
    nested = next(mounted.rglob(DESCRIPTION), None)
    where = f"; it is in {nested.parent}" if nested else ""
    raise ArtifactError(
        f"{mounted} has files but no {DESCRIPTION}{where}. Pack the model's files at the top level of model.tar.gz: "
        "tar -czf model.tar.gz -C FOLDER ."
    )


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
