"""Evaluate a model on photos that it did not learn from, through the code that serves it.

    python training/evaluate.py --data DIR                                  # the shipped model: a minute on two cores
    python training/evaluate.py --data DIR --model .work/artifact --json
    python training/evaluate.py --data DIR --limit 50                       # a quick try: a few seconds
    python training/evaluate.py --data DIR --rekognition                    # compare with Amazon Rekognition

Reads a folder with bin-images/ and metadata/. Prints the main figures and writes metrics.json and a self-contained
report.html to --out. The report shows photos of the dataset: do not publish it.

--rekognition sends photos to Amazon Rekognition (DetectLabels). It needs AWS credentials and costs about a tenth of a
cent a photo. Responses are kept in --out, so a second run sends nothing.

Exit codes: 0 done; 2 bad usage, or nothing to evaluate; 3 some photos could not be counted, or Rekognition stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from binlab.data.dataset import SHARES, LabelledImage, split_of_model
from binlab.data.volumes import log_litres
from binlab.evaluate.baselines import PRICE, Rekognition, count_of, rekognition_figures, responses, sample
from binlab.evaluate.certify import check
from binlab.evaluate.charts import plots_of
from binlab.evaluate.evaluation import evaluation
from binlab.evaluate.metrics import rounded
from binlab.evaluate.orders import Rules
from binlab.evaluate.predictions import Predictions, predict, same_split
from binlab.evaluate.report import evaluation_page, print_figures, worst
from binlab.evaluate.volume import volume_evaluation
from binmodel.artifact import ArtifactError, shipped
from binmodel.predict import Predictor
from tqdm import tqdm


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    env = os.environ.get
    data = env("SM_CHANNEL_TRAIN")
    add = parser.add_argument
    add("--data", type=Path, default=data, required=not data, help="folder with bin-images/ and metadata/")
    add("--model", type=Path, default=shipped(), help="artifact folder (default: the shipped one)")
    add("--backend", choices=["onnx", "torch"], default="onnx", help="(default: %(default)s)")
    add("--split", choices=["train", *SHARES], default="test", help="(default: %(default)s)")
    add("--limit", type=int, metavar="N", help="use at most N photos in range, and N out of range")
    out = env("SM_OUTPUT_DATA_DIR", ".work/evaluation")
    add("--out", type=Path, default=out, help="(default: %(default)s)")
    add("--figures", type=Path, metavar="DIR", help="also write the plots as PNG; they show no photo")
    add("--match-risk", type=float, default=0.0175, help="highest risk of a MATCH (default: %(default)s)")
    add("--variance", type=float, default=0.5, help="probability needed for SHORT and OVER (default: %(default)s)")
    add("--discrepancy-rate", type=float, default=0.05, help="share of orders that are wrong (default: %(default)s)")
    add("--rekognition", action="store_true", help="compare with Amazon Rekognition on some of the photos")
    add("--rekognition-limit", type=int, default=100, metavar="N", help="send at most N (default: %(default)s)")
    add("--json", action="store_true", help="print all figures as one JSON object")
    options = parser.parse_args(arguments)
    for name, low, high in (("match_risk", 0, 0.49), ("variance", 0.5, 1), ("discrepancy_rate", 0.001, 0.5)):
        if not low <= getattr(options, name) <= high:
            parser.error(f"--{name.replace('_', '-')} must be from {low} to {high}")
    for name in ("limit", "rekognition_limit"):
        if getattr(options, name) is not None and getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    return options


def select(images: list[LabelledImage], split: str, limit: int | None, classes: tuple[int, ...]) -> list[LabelledImage]:
    """Images in range, then those out of range, at most `limit` of each. Raises ValueError if none is in range."""
    inside = [image for image in images if image.count in classes]
    if not inside:
        raise ValueError(f"The {split} split has no photo with a count of {classes[0]} to {classes[-1]}.")
    return inside[:limit] + [image for image in images if image.count not in classes][:limit]


def rekognition_client() -> Rekognition:
    # Imported here: nothing else in this script needs boto3.
    import boto3
    from botocore.config import Config

    # Adaptive: the default quota is a few requests a second, so throttled requests are repeated more slowly.
    return boto3.client(
        "rekognition",
        config=Config(retries={"mode": "adaptive", "max_attempts": 10}, connect_timeout=5, read_timeout=30),
    )


def compare_with_rekognition(
    images: list[LabelledImage], predictions: Predictions, limit: int, out: Path
) -> tuple[dict[str, Any] | None, str | None]:
    """Figures on the images that Rekognition answered, and why it stopped early, if it did."""
    from botocore.exceptions import BotoCoreError, ClientError

    sent = sample([image for image in images if image.count in predictions.classes], limit)
    print(f"Rekognition: {len(sent)} photos, at most ${len(sent) * PRICE:.2f}", file=sys.stderr)
    instances, problem = {}, None
    try:
        answered = responses(rekognition_client, sent, out / "rekognition.jsonl")
        for image, response in tqdm(answered, "Rekognition", len(sent), unit="photo"):
            instances[image.id] = count_of(response)
    except (BotoCoreError, ClientError) as error:
        problem = f"Rekognition stopped after {len(instances)} of {len(sent)} photos: {error}"
    return (rekognition_figures(instances, images, predictions) if instances else None), problem


def write(
    options: argparse.Namespace, figures: dict[str, Any], predictions: Predictions, images: list[LabelledImage]
) -> None:
    plots = plots_of(figures)
    mistakes = worst(predictions, images, predictions.in_range, 24)
    outside = worst(predictions, images, ~predictions.in_range, 12)
    (options.out / "report.html").write_text(evaluation_page(figures, plots, mistakes, outside), encoding="utf-8")
    (options.out / "metrics.json").write_text(json.dumps(rounded(figures), indent=1) + "\n", encoding="utf-8")
    if options.figures:
        options.figures.mkdir(parents=True, exist_ok=True)
        for name, plot in plots.items():
            (options.figures / f"{name}.png").write_bytes(plot)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        predictor = Predictor.load(options.model, options.backend)
        split = split_of_model(options.data, predictor.artifact.data)
        images = select(split[options.split], options.split, options.limit, predictor.artifact.classes)
        predictions, images, unreadable = predict(predictor, images)
    except (ArtifactError, FileNotFoundError, ValueError) as error:
        print(f"evaluate.py: {error}", file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    training_counts = [image.count for image in split["train"] or images if image.count in predictions.classes]
    rules = Rules(options.match_risk, options.variance, options.discrepancy_rate)
    figures: dict[str, Any] = {
        "model": predictor.model,
        "backend": options.backend,
        "split": options.split,
        "unreadable": unreadable,
        "split_as_in_training": same_split(predictor.artifact.data, split),
        **evaluation(predictions, np.array(training_counts), rules),
        "volume": volume_evaluation(predictions, log_litres(options.data, images), rules),
        "certified": check(predictor.artifact.metrics.get("certified", []), predictions, rules),
        "rekognition": None,
    }
    problem = None
    if options.rekognition:
        figures["rekognition"], problem = compare_with_rekognition(
            images, predictions, options.rekognition_limit, options.out
        )
    write(options, figures, predictions, images)
    print(json.dumps(figures)) if options.json else print_figures(figures, options.out)
    if problem:
        print(f"evaluate.py: {problem}", file=sys.stderr)
    return 3 if unreadable or problem else 0


if __name__ == "__main__":
    sys.exit(main())
