"""The artifact as files: model.json, the model card, and model.tar.gz for SageMaker with the code that serves."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from binmodel.artifact import DESCRIPTION, ONNX_INT8, SAFETENSORS, load_artifact, sha256
from binmodel.preprocess import MEAN, STD

from binlab.data.dataset import CLASSES, LabelledImage, data_hash
from binlab.package.card import model_card

LICENCE, CARD = "LICENSE", "MODEL_CARD.md"
PLACES = [Path(__file__).parents[up] / "model_code" for up in (2, 3)]  # beside the scripts in a job; in the repository
CODE = PLACES[0] if PLACES[0].is_dir() else PLACES[1]
SERVING = ("inference.py", "serve.py", "requirements.txt")


OWN = ("version", "architecture", "classes", "mean", "std", "weights", "licence")  # what `describe` finds itself
FACTS = ("metrics", "data", "starting_weights", "recipe", "quantization")  # what does not decide a prediction


def describe(out: Path, serving: dict[str, Any], **facts: Any) -> None:
    """Write model.json and the model card. The version is a hash of everything that decides a prediction."""
    decisive = {"architecture": "resnet50", "classes": CLASSES, **serving, "mean": MEAN, "std": STD}
    weights = {name: sha256(out / name) for name in (ONNX_INT8, SAFETENSORS) if (out / name).exists()}
    version = hashlib.sha256(json.dumps([decisive, weights[ONNX_INT8]]).encode()).hexdigest()[:12]
    licence = (out / LICENCE).read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
    model = {"version": version, **decisive, "weights": weights, "licence": licence, **facts}
    (out / DESCRIPTION).write_text(json.dumps(model, indent=2) + "\n", encoding="utf-8")
    (out / CARD).write_text(model_card(model), encoding="utf-8")


def add_certified(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Write the rows of `binlab.evaluate.certify.certify` into model.json and the card. They decide no prediction."""
    model = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    model["metrics"]["certified"] = rows
    (folder / DESCRIPTION).write_text(json.dumps(model, indent=2) + "\n", encoding="utf-8")
    (folder / CARD).write_text(model_card(model), encoding="utf-8")


def described(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two parts of model.json that `describe` wrote, without the volume, which is fitted again."""
    model = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    facts = {name: model[name] for name in FACTS if name in model}
    facts["metrics"] = {name: value for name, value in facts["metrics"].items() if name != "volume"}
    return {name: value for name, value in model.items() if name not in {*facts, *OWN, "volume"}}, facts


def data_facts(split: dict[str, list[LabelledImage]], outputs: tuple[int, ...], name: str) -> dict[str, Any]:
    """The `data` section of model.json: images in range and out of it by split, and the hash of those used."""
    inside = {part: [image for image in images if image.count in CLASSES] for part, images in split.items()}
    used = inside if outputs == CLASSES else split
    return {
        "name": name,
        "sha256": data_hash(used),
        **{part: len(images) for part, images in inside.items()},
        "out_of_range": {part: len(images) - len(inside[part]) for part, images in split.items()},
    }


def bundle_contents(artifact: Path, code: Path = CODE) -> dict[str, Path]:
    """Each name in the bundle and its file. Raises ArtifactError if `artifact` holds no model."""
    weights = sorted(load_artifact(artifact).weights)
    files = {name: artifact / name for name in (DESCRIPTION, *weights, LICENCE, CARD) if (artifact / name).exists()}
    files |= {f"code/{name}": code / name for name in SERVING}
    return files | {f"code/binmodel/{path.name}": path for path in (code / "binmodel").glob("*.py")}


def write_bundle(artifact: Path, out: Path, code: Path = CODE) -> Path:
    """Write the bundle to `out`: the artifact, and in `code/` the code that serves it.

    Layout: https://docs.aws.amazon.com/sagemaker/latest/dg/adapt-inference-container.html. The same files give the same
    bytes, so a hash shows whether an upload would change anything.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_name(f".{out.name}.part")
    with (
        unfinished.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, path in sorted(bundle_contents(artifact, code).items()):
            content = path.read_bytes()
            entry = tarfile.TarInfo(name)  # without owner and time, which differ between machines
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return unfinished.replace(out)
