"""Turn what train.py wrote into the artifact that serves: choose the size, quantise to int8, calibrate, measure.

    python training/package.py --data DIR --model .work/model --out model_code/weights    # about 10 minutes
    python training/package.py --data DIR --model .work/first .work/second --out .work/artifact
    python training/package.py --data DIR --model .work/model --out .work/artifact \\
        --sizes 64 --calibration 32 --methods minmax --limit 100                          # a try-out: half a minute

The serving size and the way activations are calibrated are those with the least log loss on the validation photographs;
the test photographs are used once, for the figures in `model.json` and `MODEL_CARD.md`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from binlab.card import model_card
from binlab.dataset import CLASSES, Photo, data_hash, read_split
from binlab.export import METHODS, export_onnx, logits_with, quantise
from binlab.metrics import fit_temperature, log_loss, report, rounded
from binlab.pixels import cached_pixels
from binlab.weights import mean_weights
from binmodel.artifact import DESCRIPTION, ONNX_INT8, SAFETENSORS, sha256, shipped
from binmodel.backends import onnx_session
from binmodel.network import build_network
from binmodel.predict import softmax
from binmodel.preprocess import MEAN, STD
from safetensors.torch import save_file
from torch import nn
from tqdm import tqdm

LICENCE = "LICENSE"
SIZE_TOLERANCE = 0.005  # log loss; a smaller network that is this close to the best is taken, for its speed


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = os.environ.get("SM_CHANNEL_TRAIN")
    parser.add_argument("--data", type=Path, default=data, required=not data, help="folder with bin-images/, metadata/")
    parser.add_argument(
        "--model", type=Path, nargs="+", default=[Path(".work/model")],
        help="what train.py wrote (default: .work/model); of several runs, each started from the one before, the mean",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=".work/artifact", help="artifact folder (default: %(default)s)")
    parser.add_argument("--cache", type=Path, default=".work/cache", help="decoded photographs (default: %(default)s)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[160, 176, 192], help="(default: %(default)s)")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), help="(default: all)")
    parser.add_argument("--calibration", type=int, default=256, help="training photographs (default: %(default)s)")
    parser.add_argument("--data-name", default="Amazon Bin Image Dataset (ABID)", help="(default: %(default)s)")
    parser.add_argument("--licence", type=Path, default=shipped() / LICENCE, help="copied; its first line names it")
    parser.add_argument("--keep-float", action="store_true", help=f"also keep {SAFETENSORS}, for the torch backend")
    parser.add_argument("--limit", type=int, help="use this many photographs of each side only")
    parser.add_argument("--seed", type=int, default=7, help="(default: %(default)s)")
    return parser.parse_args(arguments)


def logits_on(network: Path, photos: list[Photo], size: int, cache: Path) -> np.ndarray:
    """Float32 (N, classes) of an ONNX file, as `binmodel` would run it."""
    pixels = cached_pixels(photos, size, cache)
    return logits_with(onnx_session(network, None), pixels, progress=lambda parts: tqdm(parts, network.stem))


def counts_of(photos: list[Photo]) -> np.ndarray:
    return np.array([photo.count for photo in photos])


def validation_loss(network: Path, photos: list[Photo], size: int, cache: Path) -> float:
    """Log loss at the temperature that suits the network best, so that only its order of certainty is judged."""
    logits, counts = logits_on(network, photos, size, cache), counts_of(photos)
    loss = log_loss(softmax(logits, fit_temperature(logits, counts, CLASSES)), counts, CLASSES)
    print(json.dumps({"candidate": network.stem, "size": size, "validation_log_loss": round(loss, 4)}), flush=True)
    return loss


def measured(network: Path, split: dict[str, list[Photo]], size: int, cache: Path) -> tuple[float, dict[str, Any]]:
    """The temperature that fits the validation photographs, and the figures with it there and on the test ones."""
    logits = {side: logits_on(network, split[side], size, cache) for side in ("validation", "test")}
    temperature = fit_temperature(logits["validation"], counts_of(split["validation"]), CLASSES)
    return temperature, {side: report(logits[side], counts_of(split[side]), CLASSES, temperature) for side in logits}


def chosen_float(network: nn.Module, photos: list[Photo], options: argparse.Namespace, out: Path) -> int:
    """The serving size; the network as ONNX at that size is written to `out`."""
    candidates = {size: out.with_name(f"float-{size}.onnx") for size in options.sizes}
    for size, path in candidates.items():
        export_onnx(network, size, path)
    losses = {size: validation_loss(path, photos, size, options.cache) for size, path in candidates.items()}
    size = min(size for size, loss in losses.items() if loss <= min(losses.values()) + SIZE_TOLERANCE)
    candidates[size].rename(out)
    return size


def chosen_int8(source: Path, split: dict[str, list[Photo]], size: int, options: argparse.Namespace, out: Path) -> str:
    """The calibration method; the ONNX file `source` as int8, calibrated so, is written to `out`."""
    pixels = cached_pixels(split["calibration"], size, options.cache)
    candidates = {method: out.with_name(f"int8-{method}.onnx") for method in options.methods}
    for method, path in candidates.items():
        quantise(source, path, pixels, method=method)
    losses = {
        method: validation_loss(path, split["validation"], size, options.cache) for method, path in candidates.items()
    }
    method = min(losses, key=losses.__getitem__)
    candidates[method].rename(out)
    return method


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    split = {side: photos[: options.limit] for side, photos in read_split(options.data).items()}
    data = {"name": options.data_name, "sha256": data_hash(split), **{side: len(split[side]) for side in split}}
    shuffled = np.random.default_rng(options.seed).permutation(data["train"])
    split["calibration"] = [split["train"][index] for index in sorted(shuffled[: options.calibration])]
    training = json.loads((options.model[-1] / "training.json").read_text())
    network = build_network(len(CLASSES))
    network.load_state_dict(mean_weights([folder / SAFETENSORS for folder in options.model]))

    with TemporaryDirectory() as scratch:
        float_onnx, int8_onnx = Path(scratch) / "float.onnx", Path(scratch) / "int8.onnx"
        size = chosen_float(network, split["validation"], options, float_onnx)
        method = chosen_int8(float_onnx, split, size, options, int8_onnx)
        temperature, int8_figures = measured(int8_onnx, split, size, options.cache)
        _, float_figures = measured(float_onnx, split, size, options.cache)
        options.out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(int8_onnx, options.out / ONNX_INT8)

    (options.out / SAFETENSORS).unlink(missing_ok=True)
    if options.keep_float:
        save_file(network.state_dict(), options.out / SAFETENSORS)
    if options.licence.resolve() != (options.out / LICENCE).resolve():
        shutil.copyfile(options.licence, options.out / LICENCE)
    describe(
        options.out,
        {"input_size": size, "temperature": round(temperature, 4)},
        metrics=rounded({"int8": int8_figures, "float": float_figures}),
        data=data,
        starting_weights=training["starting_weights"],
        recipe={"runs": training["recipe"], "averaged": len(options.model)},
        calibration={"method": method, "photographs": len(split["calibration"])},
    )


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
