"""The whole system against the model alone: images/s of `bintally demo` and of `bintally count`, same photos.

    python benchmarks/end_to_end.py --images ../shared/abid/bin-images --limit 1000 --rounds 3

Both run one after the other in each round, so a machine whose speed drifts drifts for both; the ratio is what counts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BINTALLY = str(Path(sys.executable).parent / "bintally")


def count_rate(images: list[Path]) -> float:
    """Images/s of `bintally count`, with the start of the program and the load of the model in the time."""
    started = time.monotonic()
    run = subprocess.run([BINTALLY, "count", "--json", *map(str, images)], capture_output=True, text=True, check=False)
    seconds = time.monotonic() - started
    if len(run.stdout.splitlines()) != len(images):
        sys.exit(f"bintally count answered {len(run.stdout.splitlines())} of {len(images)} lines: {run.stderr}")
    return len(images) / seconds


def demo_rate(folder: Path, report: Path) -> float:
    """Images/s of `bintally demo`, from the first upload to the last count, without the start of the stack."""
    command = [BINTALLY, "demo", "--images", str(folder), "--report", str(report), "--json"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    summary = json.loads(run.stdout.splitlines()[-1])
    if summary["unaccounted"]:
        sys.exit(f"bintally demo lost photos: {summary}")
    return float(summary["images_per_second"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, help="folder with photos")
    parser.add_argument("--limit", type=int, default=1000, help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "images"
        folder.mkdir()
        for path in sorted(options.images.glob("*.jpg"))[: options.limit]:
            (folder / path.name).symlink_to(path.resolve())
        images = sorted(folder.iterdir())
        ratios = []
        for number in range(options.rounds):
            count, demo = count_rate(images), demo_rate(folder, Path(name) / "report.png")
            ratios.append(demo / count)
            print(
                f"round {number + 1}: count {count:.1f}/s, demo {demo:.1f}/s, demo/count {ratios[-1]:.2f}", flush=True
            )
    print(f"{len(images)} photos, demo/count: median {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
