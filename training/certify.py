"""Find the match risks that leave few wrong orders unseen, with a certificate, on the validation photos.

    python training/certify.py --data DIR                          # the shipped model: a minute on two cores
    python training/certify.py --data DIR --model .work/artifact --json
    python training/certify.py --data DIR --model .work/artifact --write     # into model.json and the model card

Reads a folder with bin-images/ and metadata/. For each share of wrong orders and each alpha it prints the highest
MatchRisk for which, with 95% certainty, at most alpha of the settled lines are wrong. package.py does the same for each
new model. A stack takes a value with `bintally settings set match-risk=VALUE`.

Exit codes: 0 done; 2 bad usage, or no photos.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from binlab.data.dataset import split_of_model
from binlab.evaluate.certify import certify
from binlab.evaluate.metrics import rounded
from binlab.evaluate.orders import Rules
from binlab.evaluate.predictions import predict
from binlab.evaluate.report import print_certified
from binlab.package.artifact import add_certified
from binmodel.artifact import ArtifactError, shipped
from binmodel.predict import Predictor


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder with bin-images/ and metadata/")
    add("--model", type=Path, default=shipped(), help="artifact folder (default: the shipped one)")
    add("--variance", type=float, default=0.5, help="probability needed for SHORT and OVER (default: %(default)s)")
    add("--write", action="store_true", help="write the rows into model.json and the model card")
    add("--json", action="store_true", help="print the rows as one JSON object")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        predictor = Predictor.load(options.model)
        images = split_of_model(options.data, predictor.artifact.data)["validation"]
        predictions, _, _ = predict(predictor, images)
    except (ArtifactError, FileNotFoundError, ValueError) as error:
        print(f"certify.py: {error}", file=sys.stderr)
        return 2
    rows = rounded({"rows": certify(predictions, Rules(variance=options.variance))})["rows"]
    if options.write:
        add_certified(options.model, rows)
    print(json.dumps({"model": predictor.model, "photos": len(predictions), "certified": rows})) if options.json else (
        print_certified(rows, f"{predictor.model}: {len(predictions)} validation photos")
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
