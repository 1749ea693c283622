"""Package a trained network as the artifact that serves: choose the size, quantize to int8, calibrate, measure.

    python training/package.py --data DIR --model .work/model --out .work/artifact        # about 15 minutes
    python training/package.py --data DIR --model .work/first .work/second --out .work/artifact
    python training/package.py --data DIR --model .work/model --out .work/artifact --bundle .work/model.tar.gz
    python training/package.py --data DIR --model .work/model --out .work/artifact \\
        --sizes 64 --quantization-images 32 --methods minmax --float-layers nothing --limit 100    # half a minute

Reads a folder with bin-images/ and metadata/, and what train.py wrote. Writes network.int8.onnx, model.json,
MODEL_CARD.md and LICENSE to --out. Every choice is made on the validation photos: the input size with the least log
loss, the int8 network closest to the float one, temperature, intervals, and abstention threshold. The test photos are
used once, for the figures in model.json and the model card. Bins out of range are measured separately.

Exit codes: 0 done; 2 bad usage, or --model is not what train.py wrote.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from binlab.data.dataset import CLASSES, SHARES, LabelledImage, out_of_range, read_split
from binlab.evaluate.metrics import rounded
from binlab.package.artifact import LICENCE, data_facts, describe, write_bundle
from binlab.package.calibration import Calibration, Outputs, calibrate, figures
from binlab.package.quantize import FLOAT_LAYERS, METHODS, Trial, choose_int8, choose_size
from binlab.train.network import mean_weights
from binmodel.artifact import ONNX_INT8, SAFETENSORS, shipped
from binmodel.network import build_network
from safetensors.torch import save_file
from torch import nn


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = os.environ.get("SM_CHANNEL_TRAIN")
    add = parser.add_argument
    add("--data", type=Path, default=data, required=not data, help="folder with bin-images/ and metadata/")
    add(
        "--model", type=Path, nargs="+", default=[Path(".work/model")], metavar="DIR",
        help="what train.py wrote (default: .work/model); the weights of several runs are averaged",
    )  # fmt: skip
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


def read_trained(folders: list[Path]) -> tuple[nn.Module, Outputs, dict[str, Any]]:
    """The network, the count of each of its outputs, and training.json. Raises OSError or ValueError."""
    record = json.loads((folders[-1] / "training.json").read_text())
    outputs = tuple(record.get("outputs", CLASSES))
    weights = mean_weights([folder / SAFETENSORS for folder in folders])
    if len(weights["fc.bias"]) != len(outputs):
        raise ValueError(
            f"{folders[-1]}: the network has {len(weights['fc.bias'])} outputs, but training.json names {outputs}"
        )
    network = build_network(len(outputs))
    network.load_state_dict(weights)
    return network, outputs, record


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


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    try:
        network, outputs, training = read_trained(options.model)
    except (OSError, ValueError) as error:
        print(f"package.py: --model must be a folder that train.py wrote: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    split = {name: images[: options.limit] for name, images in read_split(options.data, lambda _: True).items()}
    trials = {name: Trial(split[name], outputs, options.cache) for name in SHARES}
    sample = quantization_sample(split["train"], outputs, options.quantization_images, options.seed)

    with TemporaryDirectory() as scratch:
        float_onnx, int8_onnx = Path(scratch) / "float.onnx", Path(scratch) / "int8.onnx"
        validation = trials["validation"]
        size = choose_size(network, options.sizes, validation, float_onnx)
        quantization = choose_int8(
            float_onnx, size, options.methods, options.float_layers, sample, validation, int8_onnx
        )
        calibration, of_int8 = measure(int8_onnx, size, trials, options.risk)
        _, of_float = measure(float_onnx, size, trials, options.risk)
        options.out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(int8_onnx, options.out / ONNX_INT8)

    (options.out / SAFETENSORS).unlink(missing_ok=True)
    if options.keep_float:
        save_file(network.state_dict(), options.out / SAFETENSORS)
    if options.licence.resolve() != (options.out / LICENCE).resolve():
        shutil.copyfile(options.licence, options.out / LICENCE)
    lost = {name: of_float[name]["balanced_accuracy"] - of_int8[name]["balanced_accuracy"] for name in SHARES}
    describe(
        options.out,
        {"outputs": outputs, "input_size": size, "temperature": calibration.temperature, **calibration.facts()},
        metrics=rounded({"int8": of_int8, "float": of_float, "lost_by_int8": lost}),
        data=data_facts(split, outputs, options.data_name),
        starting_weights=training["starting_weights"],
        recipe={"runs": training["recipe"], "averaged": len(options.model), "teacher": training.get("teacher")},
        quantization=quantization,
    )
    if options.bundle:
        write_bundle(options.out, options.bundle)


if __name__ == "__main__":
    main()
