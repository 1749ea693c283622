"""Measures the figures of docs/performance.md and writes them: results.json, the page and its plots.

    make bench                                                   # under 30 minutes
    python -m benchmarks.bench --images DIR --only inference     # one section; the others stay as they were
    python -m benchmarks.bench --quick --out DIR                 # seconds a section, to see that it works

Photos: those below --images, else the dataset's where it is, else drawn bins. Everything is a ratio to a baseline that
takes turns with it in the same run, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bincli.demo.photos import balanced, in_folder
from bincli.demo.run import DATASET
from bincli.demo.synthetic import draw_bins
from bincli.deployment import ROOT

from benchmarks.measure import Options, machine

SECTIONS = {
    "inference": "benchmarks.inference",
    "http": "benchmarks.over_http",
    "end_to_end": "benchmarks.end_to_end",
    "aws": "benchmarks.aws_usage",
    "cold_start": "benchmarks.cold_start",
}
RESULTS, PAGE = "results.json", "performance.md"
PHOTOS, DRAWN = 1000, 100
REPEATS, QUICK_REPEATS = 5, 2
DRAWN_WORDS = "drawn bins"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, help="folder of photos (default: the dataset's, or drawn bins)")
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), default=list(SECTIONS), help="(default: all)")
    parser.add_argument("--quick", action="store_true", help="a few photos and repeats: no figures to quote")
    parser.add_argument("--long", action="store_true", help="also 8,000 photos end to end")
    parser.add_argument("--repeats", type=int, help=f"alternating repeats (default: {REPEATS})")
    parser.add_argument("--note", default="", help="about the machine, for the page")
    parser.add_argument("--out", type=Path, help="folder for all that is written (default: benchmarks and docs)")
    return parser.parse_args(arguments)


def options_of(arguments: argparse.Namespace, scratch: Path) -> Options:
    repeats = arguments.repeats or (QUICK_REPEATS if arguments.quick else REPEATS)
    modes = {"quick": arguments.quick, "long": arguments.long}
    folder = arguments.images or (DATASET if (DATASET / "bin-images").is_dir() else None)
    if folder is None:
        draw_bins(scratch, 10 if arguments.quick else DRAWN)
        return Options(in_folder(scratch), DRAWN_WORDS, None, repeats, **modes)
    found = in_folder(folder)
    dataset = folder if (folder / "metadata").is_dir() else None
    return Options(balanced(found, PHOTOS) or found[:PHOTOS], "real photos", dataset, repeats, **modes)


def measured(name: str, options: Options, note: str) -> dict[str, Any]:
    """One section with what it was measured on."""
    started = time.monotonic()
    found = import_module(SECTIONS[name]).run(options)
    about = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "photos": options.origin,
        "repeats": options.repeats,
        "seconds": round(time.monotonic() - started),
        "note": note,
        "quick": options.quick,
    }
    return {**found, "measured": about}


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write(path: Path, results: Mapping[str, Any]) -> None:
    """In the order of the page, so that two runs can be compared."""
    ordered = {name: results[name] for name in SECTIONS if name in results}
    path.write_text(json.dumps(ordered, indent=2) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    from benchmarks.page import page
    from benchmarks.plots import write_plots

    asked = parse(arguments)
    results_in, docs = (asked.out, asked.out) if asked.out else (ROOT / "benchmarks", ROOT / "docs")
    docs.mkdir(parents=True, exist_ok=True)
    path = results_in / RESULTS
    with TemporaryDirectory() as scratch:
        options = options_of(asked, Path(scratch))
        for name in asked.only:
            print(f"{name} ...", file=sys.stderr, flush=True)
            write(path, {**read(path), name: measured(name, options, asked.note)})
    results = read(path)
    write_plots(results, docs / "performance")
    (docs / PAGE).write_text(page(results), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
