"""Explore a folder of photos before training on it.

    python training/explore.py --data DIR --out .work/explore        # 9,000 photos: a few minutes on two cores
    python training/explore.py --data DIR --model none               # without a model: half a minute
    python training/explore.py --data DIR --limit 100                # a quick try: a few seconds

Shows counts by class, sizes, blur and darkness, the contents of the records, files that cannot be opened, and labels
that are probably wrong: the record contradicts itself, another photo looks the same, or a model is sure of another
count. Writes figures.json and a self-contained report.html to --out. The report shows photos of the dataset: do not
publish it.

Exit codes: 0 done; 2 bad usage, no photos, or no model in --model.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from binlab.data.dataset import LabelledImage, read_images
from binlab.data.files import write_whole
from binlab.data.sampling import shuffled
from binlab.explore.exploration import Exploration, explore, figures_of, total
from binlab.explore.quality import measure
from binlab.explore.report import exploration_page, plots_of
from binlab.explore.suspects import Suspect, against_model
from binmodel.artifact import ArtifactError, shipped
from binmodel.predict import Predictor
from binmodel.stream import predict_stream
from tqdm import tqdm


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    env = os.environ.get
    data = env("SM_CHANNEL_TRAIN")
    parser.add_argument(
        "--data", type=Path, default=data, required=not data, help="folder with bin-images/ and metadata/"
    )
    out = env("SM_OUTPUT_DATA_DIR", ".work/explore")
    parser.add_argument("--out", type=Path, default=out, help="(default: %(default)s)")
    parser.add_argument("--limit", type=int, metavar="N", help="explore a random sample of N photos")
    parser.add_argument("--model", help="artifact folder, or `none` (default: the shipped model, if there is one)")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="also write the plots as PNG; they show no photo")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="number of threads (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    options = parser.parse_args(arguments)
    if options.workers < 1 or (options.limit or 1) < 1:
        parser.error("--limit and --workers must be at least 1")
    return options


def read(options: argparse.Namespace) -> Exploration:
    images = read_images(options.data)
    files = {path.stem: path for path in (options.data / "bin-images").glob("*.jpg")}
    chosen = sorted(shuffled(files, seed=7)[: options.limit])
    with ThreadPoolExecutor(options.workers) as pool:
        found = pool.map(measure, (files[name] for name in chosen))
        measured = list(tqdm(found, "measure", len(chosen), unit="photo", mininterval=1))
    among = set(chosen)
    return explore(options.data, [image for image in images if image.id in among], measured)


def model_of(options: argparse.Namespace) -> Predictor | None:
    """None if no model is wanted or shipped. Raises ArtifactError if --model is not a model."""
    if options.model == "none" or (not options.model and not (shipped() / "model.json").exists()):
        return None
    return Predictor.load(Path(options.model or shipped()), threads=options.workers)


def doubted_by(predictor: Predictor, found: Exploration) -> list[Suspect]:
    images: Sequence[LabelledImage] = [image for image in found.images if not found.measured[image.id].problem]
    lines = predict_stream(predictor, (image.path for image in images), Path.read_bytes)
    return against_model(images, tqdm(lines, "predict", len(images), unit="photo", mininterval=1))


def write(options: argparse.Namespace, found: Exploration, figures: dict[str, Any], model: str | None) -> None:
    options.out.mkdir(parents=True, exist_ok=True)
    plots = plots_of(found)
    page = exploration_page(found, figures, plots, model)
    write_whole(options.out / "report.html", page.encode())
    write_whole(options.out / "figures.json", (json.dumps(figures, indent=2) + "\n").encode())
    if options.figures:
        options.figures.mkdir(parents=True, exist_ok=True)
        for name, plot in plots.items():
            write_whole(options.figures / f"{name}.png", plot)


def show(figures: dict[str, Any], out: Path) -> None:
    files, suspects = figures["files"], figures["suspects"]
    print(f"{files['images']:,} photos, {files['labelled']:,} with a label, {files['broken']:,} broken")
    print("by class: " + ", ".join(f"{label}: {number:,}" for label, number in total(figures["classes"]).items()))
    print(f"{figures['blurred']:,} blurred, {figures['dark']:,} dark")
    by = [f"{len(of):,} by {reason}" for reason, of in suspects.items() if of is not None]
    print(f"suspicious labels: {', '.join(by)}")
    print(f"report: {out}/report.html")


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        predictor = model_of(options)
        found = read(options)
    except (ArtifactError, FileNotFoundError, ValueError) as error:
        print(f"explore.py: {error}", file=sys.stderr)
        return 2
    figures = figures_of(found, doubted_by(predictor, found) if predictor else None)
    write(options, found, figures, predictor.model if predictor else None)
    if options.json:
        print(json.dumps(figures))
    else:
        show(figures, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
