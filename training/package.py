"""Package a trained network as the artifact that serves: choose the size, quantize to int8, calibrate, measure.

    python training/package.py --data DIR --model .work/model --out .work/artifact        # about 15 minutes
    python training/package.py --data DIR --model .work/first .work/second --out .work/artifact
    python training/package.py --data DIR --model .work/model --out .work/artifact --bundle .work/model.tar.gz
    python training/package.py --data DIR --artifact model_code/weights --out .work/artifact        # only the volume
    python training/package.py --data DIR --model .work/model --out .work/artifact \\
        --sizes 64 --quantization-images 32 --methods minmax --float-layers nothing --limit 100    # half a minute

Reads a folder with bin-images/ and metadata/, and what train.py wrote. Writes network.int8.onnx, model.json,
MODEL_CARD.md and LICENSE to --out. Every choice is made on the validation photos: the input size with the least log
loss, the int8 network closest to the float one, temperature, intervals, and abstention threshold. The test photos are
used once, for the figures in model.json and the model card. Bins out of range are measured separately.

The artifact also estimates the volume of the items in a bin, if records give their sides. A network that train.py
trained with --volume-weight has that output; for others, ridge regression fits it on the features of the int8 network,
whose counts stay the same bit for bit. --artifact does only that to an artifact made before. --no-volume leaves it out.

Exit codes: 0 done; 2 bad usage, or --model is not what train.py wrote, or --artifact not what package.py wrote.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from binlab.data.dataset import CLASSES, SHARES, LabelledImage, out_of_range, split_of_model
from binlab.data.volumes import log_litres
from binlab.evaluate.certify import certify
from binlab.evaluate.metrics import rounded
from binlab.evaluate.orders import Rules
from binlab.evaluate.predictions import predict
from binlab.package.artifact import LICENCE, add_certified, data_facts, describe, described, write_bundle
from binlab.package.calibration import Calibration, Outputs, calibrate, figures
from binlab.package.head import Head, Weights, drop_head, head_of, with_head, without_head
from binlab.package.quantize import FLOAT_LAYERS, METHODS, Trial, choose_int8, choose_size
from binlab.package.volume import LEAST_IMAGES, VolumeOutput, add_volume
from binlab.train.network import mean_weights
from binmodel.artifact import ONNX_INT8, SAFETENSORS, Artifact, ArtifactError, load_artifact, shipped
from binmodel.network import build_network
from binmodel.predict import Predictor
from safetensors.torch import load_file, save_file
from torch import nn

Split = dict[str, list[LabelledImage]]


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = os.environ.get("SM_CHANNEL_TRAIN")
    add = parser.add_argument
    add("--data", type=Path, default=data, required=not data, help="folder with bin-images/ and metadata/")
    add(
        "--model", type=Path, nargs="+", default=[Path(".work/model")], metavar="DIR",
        help="what train.py wrote (default: .work/model); the weights of several runs are averaged",
    )  # fmt: skip
    add("--artifact", type=Path, metavar="DIR", help="only add the volume to this artifact, or fit it again")
    add("--no-volume", action="store_true", help="leave out the volume of the items")
    add("--out", type=Path, default=".work/artifact", help="artifact folder (default: %(default)s)")
    add("--bundle", type=Path, metavar="FILE", help="also write this model.tar.gz, with the serving code")
    add("--cache", type=Path, default=".work/cache", help="folder for decoded photos (default: %(default)s)")
    add("--sizes", type=int, nargs="+", default=[160, 176, 192], help="input sizes to try (default: %(default)s)")
    add("--methods", nargs="+", choices=METHODS, default=list(METHODS), help="int8 methods to try (default: all)")
    add(
        "--float-layers", nargs="+", choices=FLOAT_LAYERS, default=list(FLOAT_LAYERS),
        help="layers to try to keep in float (default: all)",
    )  # fmt: skip
    add(
        "--quantization-images", type=int, default=256, metavar="N",
        help="training photos that activation ranges are measured on (default: %(default)s)",
    )  # fmt: skip
    add("--risk", type=float, default=0.25, help="share of wrong counts accepted as trusted (default: %(default)s)")
    add("--data-name", default="Amazon Bin Image Dataset (ABID)", help="(default: %(default)s)")
    add("--licence", type=Path, default=shipped() / LICENCE, help="file to copy; its first line is the licence's name")
    add("--keep-float", action="store_true", help=f"also write {SAFETENSORS}, for the torch backend")
    add("--limit", type=int, metavar="N", help="use at most N photos of each split")
    add("--seed", type=int, default=7, help="seed of the --quantization-images sample (default: %(default)s)")
    return parser.parse_args(arguments)


@dataclass(frozen=True)
class Trained:
    """What train.py wrote: the network that counts, what its outputs stand for, training.json, the volume's output."""

    network: nn.Module
    outputs: Outputs
    record: dict[str, Any]
    head: Head | None


def read_trained(folders: list[Path]) -> Trained:
    """Raises OSError or ValueError."""
    record = json.loads((folders[-1] / "training.json").read_text())
    outputs, head = tuple(record.get("outputs", CLASSES)), None
    weights = mean_weights([folder / SAFETENSORS for folder in folders])
    if record.get("volume"):
        weights, head = without_head(weights), head_of(weights)
    if len(weights["fc.bias"]) != len(outputs):
        raise ValueError(
            f"{folders[-1]}: the network has {len(weights['fc.bias'])} outputs, but training.json names {outputs}"
        )
    network = build_network(len(outputs))
    network.load_state_dict(weights)
    return Trained(network, outputs, record, head)


def quantization_sample(images: list[LabelledImage], outputs: Outputs, size: int, seed: int) -> list[LabelledImage]:
    """A random sample of the training images that the network learned from."""
    known = [image for image in images if outputs != CLASSES or not out_of_range(image.count)]
    shuffled = np.random.default_rng(seed).permutation(len(known))
    return [known[index] for index in sorted(shuffled[:size])]


def measure(network: Path, size: int, trials: dict[str, Trial], risk: float) -> tuple[Calibration, dict[str, Any]]:
    """Calibrate an ONNX file on the validation images; its figures on validation and test images."""
    logits = {split: trials[split].logits(network, size) for split in SHARES}
    outputs = trials["validation"].outputs
    calibration = calibrate(logits["validation"], trials["validation"].counts, outputs, risk=risk)
    return calibration, {s: figures(logits[s], trials[s].counts, outputs, calibration) for s in SHARES}


def package(options: argparse.Namespace, trained: Trained, split: Split) -> None:
    """Make the artifact of a trained network."""
    outputs = trained.outputs
    trials = {name: Trial(images, outputs, options.cache) for name, images in split.items()}
    sample = quantization_sample(split["train"], outputs, options.quantization_images, options.seed)

    with TemporaryDirectory() as scratch:
        float_onnx, int8_onnx = Path(scratch) / "float.onnx", Path(scratch) / "int8.onnx"
        validation = trials["validation"]
        size = choose_size(trained.network, options.sizes, validation, float_onnx)
        quantization = choose_int8(
            float_onnx, size, options.methods, options.float_layers, sample, validation, int8_onnx
        )
        calibration, of_int8 = measure(int8_onnx, size, trials, options.risk)
        _, of_float = measure(float_onnx, size, trials, options.risk)
        volume = volume_of(options, int8_onnx, size, trials, calibration.temperature, trained.head)
        options.out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(int8_onnx, options.out / ONNX_INT8)

    write_float(options.out, trained.network.state_dict() if options.keep_float else None, volume)
    if options.licence.resolve() != (options.out / LICENCE).resolve():
        shutil.copyfile(options.licence, options.out / LICENCE)
    lost = {name: of_float[name]["balanced_accuracy"] - of_int8[name]["balanced_accuracy"] for name in SHARES}
    record = trained.record
    serving = {"outputs": outputs, "input_size": size, "temperature": calibration.temperature, **calibration.facts()}
    facts = {
        "metrics": rounded({"int8": of_int8, "float": of_float, "lost_by_int8": lost}),
        "data": data_facts(split, outputs, options.data_name) | ({"final": True} if record.get("final") else {}),
        "starting_weights": record["starting_weights"],
        "recipe": {"runs": record["recipe"], "averaged": len(options.model), "teacher": record.get("teacher")},
        "quantization": quantization,
    }
    describe_with(options.out, serving, facts, volume)


def repackage(options: argparse.Namespace, artifact: Artifact, split: Split) -> None:
    """Make --out of --artifact, with the volume fitted again, or without it."""
    serving, facts = described(artifact.folder)
    trials = {name: Trial(images, artifact.outputs, options.cache) for name, images in split.items()}
    with TemporaryDirectory() as scratch:
        int8_onnx = Path(scratch) / "int8.onnx"
        drop_head(artifact.verified(ONNX_INT8), int8_onnx)
        volume = volume_of(options, int8_onnx, artifact.input_size, trials, artifact.temperature, None)
        floats = load_file(artifact.verified(SAFETENSORS)) if SAFETENSORS in artifact.weights else None
        licence = (artifact.folder / LICENCE).read_bytes()
        options.out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(int8_onnx, options.out / ONNX_INT8)
    write_float(options.out, without_head(floats) if floats and artifact.volume else floats, volume)
    (options.out / LICENCE).write_bytes(licence)
    describe_with(options.out, serving, facts, volume)


def volume_of(
    options: argparse.Namespace, network: Path, size: int, trials: dict[str, Trial], temperature: float,
    trained: Head | None,
) -> VolumeOutput | None:  # fmt: skip
    """Add the volume to the ONNX file, unless --no-volume was given or records give too few."""
    if options.no_volume:
        return None
    logs = {name: log_litres(options.data, trial.images) for name, trial in trials.items()}
    volume = add_volume(network, size, trials, logs, temperature, trained)
    if volume is None:
        print(f"package.py: no volume: fewer than {LEAST_IMAGES} records of a split give all sides", file=sys.stderr)
    return volume


def describe_with(out: Path, serving: dict[str, Any], facts: dict[str, Any], volume: VolumeOutput | None) -> None:
    """`describe` with the volume's sections."""
    if volume:
        serving = {**serving, "volume": volume.facts()}
        facts = {**facts, "metrics": {**facts["metrics"], "volume": rounded(volume.metrics)}}
    describe(out, serving, **facts)


def write_float(out: Path, weights: Weights | None, volume: VolumeOutput | None) -> None:
    """Write the float weights of the network that counts for the torch backend, with the volume; or remove old ones."""
    (out / SAFETENSORS).unlink(missing_ok=True)
    if weights:
        save_file(with_head(weights, volume.head) if volume else weights, out / SAFETENSORS)


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    try:
        source = load_artifact(options.artifact) if options.artifact else read_trained(options.model)
    except (ArtifactError, OSError, ValueError) as error:
        wanted = (
            "--artifact must be one that package.py" if options.artifact else "--model must be a folder that train.py"
        )
        print(f"package.py: {wanted} wrote: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    everything = split_of_model(options.data, source.data if isinstance(source, Artifact) else source.record)
    split = {name: images[: options.limit] for name, images in everything.items()}
    if isinstance(source, Artifact):
        repackage(options, source, split)
    else:
        package(options, source, split)
    predictions, _, _ = predict(Predictor.load(options.out), split["validation"])
    add_certified(options.out, rounded(certify(predictions, Rules())))
    if options.bundle:
        write_bundle(options.out, options.bundle)


if __name__ == "__main__":
    main()
