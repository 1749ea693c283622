"""How fast `predict_stream` counts photos, against doing one after the other in the same run.

    python benchmarks/predict_stream.py --images DIR               # 500 photos, the shipped model
    python benchmarks/predict_stream.py --images DIR --limit 100 --json

Baseline `one by one`: read, decode, count, next. Ceiling `pixels only`: the model alone on decoded pixels, in
batches, with its own concurrency; nothing that decodes can be faster. All take turns in `--rounds`, and the best of
each counts, because the machine may be busy with other things.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from binmodel.artifact import shipped
from binmodel.images import decode
from binmodel.predict import Predictor
from binmodel.preprocess import squash
from binmodel.stream import predict_stream
from interleaved import interleaved


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, help="folder with .jpg photos")
    parser.add_argument("--model", type=Path, default=shipped(), help="artifact folder (default: the shipped one)")
    parser.add_argument("--limit", type=int, default=500, help="photos (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--readers", type=int, default=8, help="(default: %(default)s)")
    parser.add_argument("--batch", type=int, default=8, help="(default: %(default)s)")
    parser.add_argument("--threads", type=int, help="for inference (default: one for each core)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    predictor = Predictor.load(options.model, threads=options.threads)
    size, batch = predictor.input_size, options.batch
    paths = sorted(options.images.glob("*.jpg"))[: options.limit]

    def pixels_of(path: Path) -> np.ndarray:
        return squash(decode(path.read_bytes(), side=size), size)

    ready = np.stack([pixels_of(path) for path in paths])

    def pixels_only() -> None:
        with ThreadPoolExecutor(predictor.concurrency) as pool:
            list(pool.map(predictor.predict, [ready[at : at + batch] for at in range(0, len(ready), batch)]))

    ways: dict[str, Callable[[], object]] = {
        "one by one": lambda: [predictor.predict(pixels_of(path)[None]) for path in paths],
        "stream": lambda: list(predict_stream(predictor, paths, Path.read_bytes, readers=options.readers, batch=batch)),
        "pixels only": pixels_only,
        "decode only": lambda: [pixels_of(path) for path in paths],
    }
    rounds = interleaved(ways, options.rounds)
    best = {name: min(times[name] for times in rounds) for name in ways}
    rates = {name: round(len(paths) / spent, 1) for name, spent in best.items()}
    found = {
        "images": len(paths),
        "images_per_second": rates,
        "stream_to_one_by_one": round(best["one by one"] / best["stream"], 3),
        "stream_to_pixels_only": round(best["pixels only"] / best["stream"], 3),
    }
    print(json.dumps(found) if options.json else json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
