"""Turn what train.py wrote into the artifact that serves: choose the size, quantise to int8, calibrate, measure.

    python training/package.py --data DIR --model .work/model --out .work/artifact        # about 15 minutes
    python training/package.py --data DIR --model .work/first .work/second --out .work/artifact
    python training/package.py --data DIR --model .work/model --out .work/artifact --bundle .work/model.tar.gz
    python training/package.py --data DIR --model .work/model --out .work/artifact \\
        --sizes 64 --calibration 32 --methods minmax --keep nothing --limit 100           # a try-out: half a minute

All choices are made on the validation photographs: the size with the least log loss, the int8 network that answers most
like the float one, the temperature, the intervals and the confidence to abstain below. The test photographs are used
once, for the figures in `model.json` and `MODEL_CARD.md`. Empty and fuller bins among them are used where the network
has outputs for them, and always measured apart.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from binlab.data.dataset import CLASSES, SHARES, Photo, data_hash, out_of_range, read_split
from binlab.evaluate.metrics import rounded
from binlab.package.bundle import write_bundle
from binlab.package.card import model_card
from binlab.package.choice import Trial, chosen_int8, chosen_size
from binlab.package.export import KEEPS, METHODS
from binlab.package.fitted import Fitted, Outputs, figures, fit
from binlab.train.weights import mean_weights
from binmodel.artifact import DESCRIPTION, ONNX_INT8, SAFETENSORS, sha256, shipped
from binmodel.network import build_network
from binmodel.preprocess import MEAN, STD
from safetensors.torch import save_file
from torch import nn

LICENCE = "LICENSE"
Split = dict[str, list[Photo]]


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = os.environ.get("SM_CHANNEL_TRAIN")
    parser.add_argument("--data", type=Path, default=data, required=not data, help="folder with bin-images/, metadata/")
    parser.add_argument(
        "--model", type=Path, nargs="+", default=[Path(".work/model")],
        help="what train.py wrote (default: .work/model); of several runs, each started from the one before, the mean",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=".work/artifact", help="artifact folder (default: %(default)s)")
    parser.add_argument("--bundle", type=Path, help="also write this model.tar.gz: the artifact with the code to serve")
    parser.add_argument("--cache", type=Path, default=".work/cache", help="decoded photographs (default: %(default)s)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[160, 176, 192], help="(default: %(default)s)")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), help="(default: all)")
    parser.add_argument(
        "--keep", nargs="+", choices=KEEPS, default=list(KEEPS), help="layers that may stay in float (default: all)"
    )
    parser.add_argument("--calibration", type=int, default=256, help="training photographs (default: %(default)s)")
    parser.add_argument(
        "--risk",
        type=float,
        default=0.25,
        help="share of wrong counts above the confidence to abstain below (%(default)s)",
    )
    parser.add_argument("--data-name", default="Amazon Bin Image Dataset (ABID)", help="(default: %(default)s)")
    parser.add_argument("--licence", type=Path, default=shipped() / LICENCE, help="copied; its first line names it")
    parser.add_argument("--keep-float", action="store_true", help=f"also keep {SAFETENSORS}, for the torch backend")
    parser.add_argument("--limit", type=int, help="use this many photographs of each side only")
    parser.add_argument("--seed", type=int, default=7, help="(default: %(default)s)")
    return parser.parse_args(arguments)


def trained(folders: list[Path]) -> tuple[nn.Module, Outputs, dict[str, Any]]:
    """The network, the count that each of its outputs stands for, and what `training.json` says of how it was made."""
    record = json.loads((folders[-1] / "training.json").read_text())
    outputs = tuple(record.get("outputs", CLASSES))
    weights = mean_weights([folder / SAFETENSORS for folder in folders])
    if len(weights["fc.bias"]) != len(outputs):
        raise ValueError(
            f"{folders[-1]}: the network has {len(weights['fc.bias'])} outputs, training.json names {outputs}"
        )
    network = build_network(len(outputs))
    network.load_state_dict(weights)
    return network, outputs, record


def data_facts(split: Split, outputs: Outputs, name: str) -> dict[str, Any]:
    """For `model.json`: how many photographs of each side are in range, and out of it, and the hash of those used."""
    inside = {side: [photo for photo in photos if photo.count in CLASSES] for side, photos in split.items()}
    used = inside if outputs == CLASSES else split
    return {
        "name": name,
        "sha256": data_hash(used),
        **{side: len(photos) for side, photos in inside.items()},
        "out_of_range": {side: len(photos) - len(inside[side]) for side, photos in split.items()},
    }


def measured(network: Path, size: int, trials: dict[str, Trial], risk: float) -> tuple[Fitted, dict[str, Any]]:
    """What fits the validation photographs, and the figures with it there and on the test ones."""
    logits = {side: trials[side].logits(network, size) for side in SHARES}
    outputs = trials["validation"].outputs
    fitted = fit(logits["validation"], trials["validation"].counts, outputs, risk=risk)
    return fitted, {side: figures(logits[side], trials[side].counts, outputs, fitted) for side in SHARES}


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    try:
        network, outputs, training = trained(options.model)
    except (OSError, ValueError) as error:
        print(f"--model has to be what train.py wrote: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    split = {side: photos[: options.limit] for side, photos in read_split(options.data, lambda _: True).items()}
    trials = {side: Trial(split[side], outputs, options.cache) for side in SHARES}
    learnt = [photo for photo in split["train"] if outputs != CLASSES or not out_of_range(photo.count)]
    shuffled = np.random.default_rng(options.seed).permutation(len(learnt))
    learnt = [learnt[index] for index in sorted(shuffled[: options.calibration])]

    with TemporaryDirectory() as scratch:
        float_onnx, int8_onnx = Path(scratch) / "float.onnx", Path(scratch) / "int8.onnx"
        validation = trials["validation"]
        size = chosen_size(network, options.sizes, validation, float_onnx)
        quantised = chosen_int8(float_onnx, size, options.methods, options.keep, learnt, validation, int8_onnx)
        fitted, of_int8 = measured(int8_onnx, size, trials, options.risk)
        _, of_float = measured(float_onnx, size, trials, options.risk)
        options.out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(int8_onnx, options.out / ONNX_INT8)

    (options.out / SAFETENSORS).unlink(missing_ok=True)
    if options.keep_float:
        save_file(network.state_dict(), options.out / SAFETENSORS)
    if options.licence.resolve() != (options.out / LICENCE).resolve():
        shutil.copyfile(options.licence, options.out / LICENCE)
    lost = {side: of_float[side]["balanced_accuracy"] - of_int8[side]["balanced_accuracy"] for side in SHARES}
    describe(
        options.out,
        {"outputs": outputs, "input_size": size, "temperature": fitted.temperature, **fitted.facts()},
        metrics=rounded({"int8": of_int8, "float": of_float, "lost_by_int8": lost}),
        data=data_facts(split, outputs, options.data_name),
        starting_weights=training["starting_weights"],
        recipe={"runs": training["recipe"], "averaged": len(options.model), "teacher": training.get("teacher")},
        calibration=quantised,
    )
    if options.bundle:
        write_bundle(options.out, options.bundle)


def describe(out: Path, serving: dict[str, Any], **facts: Any) -> None:
    """Write `model.json` and `MODEL_CARD.md`. The version is a hash of all that decides a prediction."""
    decisive = {"architecture": "resnet50", "classes": CLASSES, **serving, "mean": MEAN, "std": STD}
    weights = {name: sha256(out / name) for name in (ONNX_INT8, SAFETENSORS) if (out / name).exists()}
    version = hashlib.sha256(json.dumps([decisive, weights[ONNX_INT8]]).encode()).hexdigest()[:12]
    licence = (out / LICENCE).read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
    model = {"version": version, **decisive, "weights": weights, "licence": licence, **facts}
    (out / DESCRIPTION).write_text(json.dumps(model, indent=2) + "\n", encoding="utf-8")
    (out / "MODEL_CARD.md").write_text(model_card(model), encoding="utf-8")


if __name__ == "__main__":
    main()
