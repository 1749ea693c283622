"""Say how good an artifact is on photographs it did not learn from, through the code that serves.

    python training/evaluate.py --data DIR                                  # the shipped model, a minute on two cores
    python training/evaluate.py --data DIR --model .work/artifact --json
    python training/evaluate.py --data DIR --limit 50                       # a try-out: a few seconds
    python training/evaluate.py --data DIR --rekognition                    # with Amazon Rekognition beside it

Writes `metrics.json` and `report.html`, which needs nothing beside it, to --out, and prints the main figures.
`--figures DIR` writes the plots as PNG too. The report shows photographs of the dataset: do not publish it.

`--rekognition` sends photographs to Amazon Rekognition (DetectLabels), for which AWS credentials are needed and about a
tenth of a cent each is paid. Its responses are kept in --out, so that a second run asks nothing.

Exit status: 0 done, 2 bad usage, 3 partly done: some photographs could not be counted, or Rekognition not be asked.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from binlab.data.dataset import SHARES, Photo, read_split
from binlab.evaluate.answers import Answers, read_answers
from binlab.evaluate.charts import drawn
from binlab.evaluate.evaluation import evaluation
from binlab.evaluate.metrics import rounded
from binlab.evaluate.mistakes import worst
from binlab.evaluate.page import evaluation_page
from binlab.evaluate.provenance import same_split
from binlab.evaluate.rekognition import PRICE, Rekognition, count_of, rekognition_figures, responses, sample
from binlab.evaluate.terminal import print_figures
from binlab.evaluate.verdicts import Thresholds
from binmodel.artifact import ArtifactError, shipped
from binmodel.predict import Predictor
from binmodel.stream import predict_stream
from tqdm import tqdm


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    env = os.environ.get
    data = env("SM_CHANNEL_TRAIN")
    parser.add_argument("--data", type=Path, default=data, required=not data, help="folder with bin-images/, metadata/")
    parser.add_argument("--model", type=Path, default=shipped(), help="artifact folder (default: the shipped one)")
    parser.add_argument("--backend", choices=["onnx", "torch"], default="onnx", help="(default: %(default)s)")
    parser.add_argument("--side", choices=["train", *SHARES], default="test", help="(default: %(default)s)")
    parser.add_argument("--limit", type=int, help="use this many photographs in range only, and as many out of range")
    out = env("SM_OUTPUT_DATA_DIR", ".work/evaluation")
    parser.add_argument("--out", type=Path, default=out, help="(default: %(default)s)")
    parser.add_argument("--figures", type=Path, help="folder for the plots as PNG, which show no photograph")
    parser.add_argument("--match", type=float, default=0.6, help="threshold of MATCH (default: %(default)s)")
    parser.add_argument("--variance", type=float, default=0.9, help="of SHORT and OVER (default: %(default)s)")
    parser.add_argument("--rekognition", action="store_true", help="ask Amazon Rekognition about some of them too")
    parser.add_argument("--rekognition-limit", type=int, default=100, help="about so many (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines for people")
    options = parser.parse_args(arguments)
    for name in ("match", "variance"):
        if not 0.5 <= getattr(options, name) <= 1:
            parser.error(f"--{name} is a probability from 0.5 to 1")
    for name in ("limit", "rekognition_limit"):
        if getattr(options, name) is not None and getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} is at least 1")
    return options


def chosen(split: dict[str, list[Photo]], side: str, limit: int | None, classes: tuple[int, ...]) -> list[Photo]:
    """The photographs of a side, those in range first, at most `limit` of either. Raises ValueError without any."""
    inside = [photo for photo in split[side] if photo.count in classes]
    if not inside:
        raise ValueError(f"the {side} side has no photograph with a count of {classes[0]} to {classes[-1]}")
    return inside[:limit] + [photo for photo in split[side] if photo.count not in classes][:limit]


def counted(predictor: Predictor, photos: list[Photo]) -> tuple[Answers, list[Photo], list[Any]]:
    lines = predict_stream(predictor, (photo.path for photo in photos), Path.read_bytes)
    return read_answers(tqdm(lines, "count", len(photos), unit="photo"), photos)


def rekognition_client() -> Rekognition:
    # Here, since nothing else of this script needs boto3.
    import boto3
    from botocore.config import Config

    # Adaptive: the default quota is a few requests a second, and throttled ones are asked again, more slowly.
    return boto3.client(
        "rekognition",
        config=Config(retries={"mode": "adaptive", "max_attempts": 10}, connect_timeout=5, read_timeout=30),
    )


def beside(photos: list[Photo], answers: Answers, limit: int, out: Path) -> tuple[dict[str, Any] | None, str | None]:
    """Rekognition's figures, of as many photographs as it answered for, and what stopped it, if anything did."""
    from botocore.exceptions import BotoCoreError, ClientError

    asked = sample([photo for photo in photos if photo.count in answers.classes], limit)
    print(f"Rekognition: {len(asked)} photographs, at most ${len(asked) * PRICE:.2f}", file=sys.stderr)
    seen, problem = {}, None
    try:
        answered = responses(rekognition_client, asked, out / "rekognition.jsonl")
        for photo, response in tqdm(answered, "ask", len(asked), unit="photo"):
            seen[photo.id] = count_of(response)
    except (BotoCoreError, ClientError) as error:
        problem = f"Rekognition stopped after {len(seen)} of {len(asked)} photographs: {error}"
    return (rekognition_figures(seen, photos, answers) if seen else None), problem


def write(options: argparse.Namespace, figures: dict[str, Any], answers: Answers, photos: list[Photo]) -> None:
    plots = drawn(figures)
    mistakes = worst(answers, photos, answers.in_range, 24)
    outside = worst(answers, photos, ~answers.in_range, 12)
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
        split = read_split(options.data, counts=lambda _: True)
        photos = chosen(split, options.side, options.limit, predictor.artifact.classes)
        answers, photos, unreadable = counted(predictor, photos)
    except (ArtifactError, FileNotFoundError, ValueError) as error:
        print(f"evaluate.py: {error}", file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    learnt = np.array([photo.count for photo in split["train"] or photos if photo.count in answers.classes])
    thresholds = Thresholds(options.match, options.variance)
    named = {"model": predictor.model, "backend": options.backend, "side": options.side, "unreadable": unreadable}
    named["split_as_in_training"] = same_split(predictor.artifact.data, split)
    figures, problem = {**named, **evaluation(answers, learnt, thresholds), "rekognition": None}, None
    if options.rekognition:
        figures["rekognition"], problem = beside(photos, answers, options.rekognition_limit, options.out)
    write(options, figures, answers, photos)
    print(json.dumps(figures)) if options.json else print_figures(figures, options.out)
    if problem:
        print(f"evaluate.py: {problem}", file=sys.stderr)
    return 3 if unreadable or problem else 0


if __name__ == "__main__":
    sys.exit(main())
