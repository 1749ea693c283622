"""Look at a folder of photographs before anything is learnt from it.

    python training/explore.py --data DIR --out .work/explore        # 9,000 photographs: some minutes on two cores
    python training/explore.py --data DIR --model none               # without asking a model: half a minute
    python training/explore.py --data DIR --limit 100                # a try-out: some seconds

Counts by class, sizes, blur and darkness, what the records say of the items, files that can't be opened, and labels
that are probably wrong: because the record contradicts itself, because another photograph looks the same, or because a
model is very sure of another count. Writes `report.html`, which needs nothing beside it, and `figures.json`. The report
shows photographs of the dataset: do not publish it. `--figures DIR` writes the plots as PNG too.

Exit status: 0 done, 2 bad usage.
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

from binlab.data.dataset import Photo, read_photos
from binlab.data.draws import shuffled
from binlab.data.files import write_whole
from binlab.explore.exploration import Exploration, explored, figures_of, total
from binlab.explore.exploration_page import exploration_page
from binlab.explore.exploration_plots import plots_of
from binlab.explore.quality import measure
from binlab.explore.suspects import Suspect, against_model
from binmodel.artifact import ArtifactError, shipped
from binmodel.predict import Predictor
from binmodel.stream import predict_stream
from tqdm import tqdm


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    env = os.environ.get
    data = env("SM_CHANNEL_TRAIN")
    parser.add_argument("--data", type=Path, default=data, required=not data, help="folder with bin-images/, metadata/")
    out = env("SM_OUTPUT_DATA_DIR", ".work/explore")
    parser.add_argument("--out", type=Path, default=out, help="(default: %(default)s)")
    parser.add_argument("--limit", type=int, help="look at so many photographs only, drawn from all")
    parser.add_argument("--model", help="artifact folder, or `none` (default: the shipped one, where there is one)")
    parser.add_argument("--figures", type=Path, help="folder for the plots as PNG, which show no photograph")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="threads (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    options = parser.parse_args(arguments)
    if options.workers < 1 or (options.limit or 1) < 1:
        parser.error("--limit and --workers start at 1")
    return options


def looked_at(options: argparse.Namespace) -> Exploration:
    photos = read_photos(options.data)
    files = {path.stem: path for path in (options.data / "bin-images").glob("*.jpg")}
    chosen = sorted(shuffled(files, seed=7)[: options.limit])
    with ThreadPoolExecutor(options.workers) as pool:
        found = pool.map(measure, (files[name] for name in chosen))
        measured = list(tqdm(found, "look", len(chosen), unit="photo", mininterval=1))
    among = set(chosen)
    return explored(options.data, [photo for photo in photos if photo.id in among], measured)


def model_of(options: argparse.Namespace) -> Predictor | None:
    """Raises ArtifactError for a folder without a model, but not where none was asked for."""
    if options.model == "none" or (not options.model and not (shipped() / "model.json").exists()):
        return None
    return Predictor.load(Path(options.model or shipped()), threads=options.workers)


def doubted(predictor: Predictor, found: Exploration) -> list[Suspect]:
    photos: Sequence[Photo] = [photo for photo in found.photos if not found.measured[photo.id].problem]
    lines = predict_stream(predictor, (photo.path for photo in photos), Path.read_bytes)
    return against_model(photos, tqdm(lines, "ask the model", len(photos), unit="photo", mininterval=1))


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
    print(f"{files['photographs']:,} photographs, {files['labelled']:,} with a label, {files['broken']:,} broken")
    print("by class: " + ", ".join(f"{label}: {number:,}" for label, number in total(figures["classes"]).items()))
    print(f"{figures['blurred']:,} blurred, {figures['dark']:,} dark")
    by = [f"{len(of):,} by the {reason}" for reason, of in suspects.items() if of is not None]
    print(f"labels in doubt: {', '.join(by)}")
    print(f"report: {out}/report.html")


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        predictor = model_of(options)
        found = looked_at(options)
    except (ArtifactError, FileNotFoundError, ValueError) as error:
        print(f"explore.py: {error}", file=sys.stderr)
        return 2
    figures = figures_of(found, doubted(predictor, found) if predictor else None)
    write(options, found, figures, predictor.model if predictor else None)
    if options.json:
        print(json.dumps(figures))
    else:
        show(figures, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
