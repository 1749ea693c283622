"""Say how good an artifact is on photographs it did not learn from, through the code that serves.

python training/evaluate.py --data DIR                                  # the shipped model on the test photographs
python training/evaluate.py --data DIR --model .work/artifact --json
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from binlab.dataset import SHARES, Photo, read_split
from binlab.metrics import per_class, summary
from binmodel.artifact import shipped
from binmodel.predict import Predictor
from binmodel.stream import predict_stream
from tqdm import tqdm


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = os.environ.get("SM_CHANNEL_TRAIN")
    parser.add_argument("--data", type=Path, default=data, required=not data, help="folder with bin-images/, metadata/")
    parser.add_argument("--model", type=Path, default=shipped(), help="artifact folder (default: the shipped one)")
    parser.add_argument("--backend", choices=["onnx", "torch"], default="onnx", help="(default: %(default)s)")
    parser.add_argument("--side", choices=["train", *SHARES], default="test", help="(default: %(default)s)")
    parser.add_argument("--limit", type=int, help="use this many photographs only")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines for people")
    return parser.parse_args(arguments)


def figures(predictor: Predictor, photos: list[Photo]) -> dict[str, Any]:
    """The figures of `metrics.summary`, and `per_class`, from the photographs' files to predictions."""
    lines = predict_stream(predictor, (photo.path for photo in photos), Path.read_bytes)
    rows = [list(line["probabilities"].values()) for line in tqdm(lines, "count", len(photos), unit="photo")]
    probabilities, counts = np.array(rows), np.array([photo.count for photo in photos])
    classes = predictor.artifact.classes
    return {**summary(probabilities, counts, classes), "per_class": per_class(probabilities, counts, classes)}


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    predictor = Predictor.load(options.model, options.backend)
    photos = read_split(options.data)[options.side][: options.limit]
    found = {"model": predictor.model, "backend": options.backend, "side": options.side, **figures(predictor, photos)}
    if options.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:24} {value:.4f}" if isinstance(value, float) else f"{name:24} {value}")


if __name__ == "__main__":
    main()
