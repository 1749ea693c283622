"""Fit a model's probabilities and intervals to a site, from what people counted there. The network stays as it is.

    bintally labels export labels/                                   # what people decided, with weights
    python training/recalibrate.py --data labels/ --out .work/recalibrated
    bintally model replay .work/recalibrated                         # what would change

Half of the labels (by a hash of the photo) decide the new temperature, biases and intervals; the other half compares
them with the old ones. Writes a new artifact to --out only if its log loss is lower there. Certified match risks are
left out, because they were those of the old probabilities: run certify.py on photos of the site.

Exit codes: 0 written; 2 bad usage, or too few labels; 3 no better than before, nothing written.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
from binlab.data.dataset import LabelledImage, read_exported
from binlab.evaluate.metrics import rounded
from binlab.package.artifact import LICENCE, describe, described
from binlab.package.calibration import Calibration
from binlab.package.quantize import Trial
from binlab.package.recalibration import Recalibration, compared, fit_half, missing, recalibrate
from binmodel.artifact import ONNX_INT8, Artifact, ArtifactError, load_artifact, shipped
from rich.console import Console
from rich.table import Table

NOTE = (
    "Recalibrated on {images} photos that people counted at a site. The figures are those of before, but for "
    "`recalibrated` in model.json"
)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder that `bintally labels export` has written")
    add("--model", type=Path, default=shipped(), help="artifact folder (default: the shipped one)")
    add("--out", type=Path, default=".work/recalibrated", help="folder for the new artifact (default: %(default)s)")
    add("--cache", type=Path, default=".work/cache", help="folder for decoded photos (default: %(default)s)")
    add("--json", action="store_true", help="print the comparison as one JSON object")
    return parser.parse_args(arguments)


def read_weights(data: Path) -> dict[str, float]:
    """The weight of each image, by id. Raises ValueError for one that is not a positive number."""
    with (data / "labels.csv").open(newline="", encoding="utf-8") as file:
        found = {Path(row["image"]).stem: float(row.get("weight") or 1) for row in csv.DictReader(file)}
    if wrong := [name for name, weight in found.items() if not 0 < weight < float("inf")]:
        raise ValueError(f"{data / 'labels.csv'}: the weight of {wrong[0]} is not above 0.")
    return found


def logits_of(artifact: Artifact, images: list[LabelledImage], cache: Path) -> Any:
    """(N, outputs) as the network gives them, without biases and without the volume."""
    trial = Trial(images, artifact.outputs, cache)
    columns = trial.logits(artifact.verified(ONNX_INT8), artifact.input_size)
    return columns[:, : len(artifact.outputs)].astype(float)


def write(artifact: Artifact, out: Path, found: Recalibration, figures: dict[str, Any], images: int) -> None:
    """The new artifact: the same weights with another description."""
    serving, facts = described(artifact.folder)
    model = json.loads((artifact.folder / "model.json").read_text(encoding="utf-8"))
    metrics = {name: value for name, value in model["metrics"].items() if name != "certified"}
    facts["metrics"] = {**metrics, "recalibrated": rounded(figures), "note": NOTE.format(images=images)}
    serving = {**serving, "temperature": found.calibration.temperature, "biases": list(found.biases)}
    serving |= found.calibration.facts() | ({"volume": model["volume"]} if "volume" in model else {})
    out.mkdir(parents=True, exist_ok=True)
    for name in (*artifact.weights, LICENCE):
        shutil.copyfile(artifact.folder / name, out / name)
    describe(out, serving, **facts)


def show(figures: dict[str, dict[str, float]], images: int) -> None:
    table = Table("", "before", "after", box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for name, before in figures["before"].items():
        table.add_row(name.replace("_", " "), f"{before:.4f}", f"{figures['after'][name]:.4f}")
    console = Console(highlight=False)
    console.print(f"{images} photos that were not fitted on\n")
    console.print(table)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        artifact = load_artifact(options.model)
        images = [image for image in read_exported(options.data) if image.path.is_file()]
        counts = np.array([image.count for image in images], int)
        if problem := missing(counts):
            raise ValueError(problem)
        named = read_weights(options.data)
    except (ArtifactError, OSError, KeyError, ValueError) as error:
        print(f"recalibrate.py: {error}", file=sys.stderr)
        return 2
    weights, half = np.array([named[image.id] for image in images]), fit_half(images)
    raw = logits_of(artifact, images, options.cache)
    before = raw + np.array(artifact.biases or 0.0)
    risk = float(described(artifact.folder)[0]["abstain"]["risk"])
    found = recalibrate(raw[half], counts[half], weights[half], artifact.outputs, risk=risk)
    mass = artifact.conformal.mass if artifact.conformal else 1.0
    old = Calibration(artifact.temperature, mass, None, risk, 0)
    figures = compared(before[~half], raw[~half], counts[~half], artifact.outputs, old, found)
    better = figures["after"]["balanced_log_loss"] < figures["before"]["balanced_log_loss"]
    if better:
        write(artifact, options.out, found, figures, int(half.sum()))
    report = {"fitted_on": int(half.sum()), "measured_on": int((~half).sum()), "penalty": found.penalty, **figures}
    if options.json:
        print(json.dumps({**report, "written": str(options.out) if better else None}))
    else:
        show(figures, int((~half).sum()))
        print(f"\nWritten to {options.out}" if better else "\nNo better than before: nothing was written.")
    return 0 if better else 3


if __name__ == "__main__":
    sys.exit(main())
