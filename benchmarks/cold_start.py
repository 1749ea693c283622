"""What a function costs at its first event: the import of each handler against that of boto3 alone.

    python benchmarks/cold_start.py --rounds 7

Each import runs in a fresh interpreter, in turn with the baseline.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

BASELINE = "boto3"
HANDLERS = [f"bintally.handlers.{name}" for name in ("intake", "submit", "collect", "orders", "reconcile")]
TIMED = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def seconds(module: str) -> float:
    run = subprocess.run([sys.executable, "-c", TIMED.format(module)], capture_output=True, text=True, check=True)
    return float(run.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="(default: %(default)s)")
    rounds = parser.parse_args().rounds
    times: dict[str, list[float]] = {module: [] for module in [BASELINE, *HANDLERS]}
    for _ in range(rounds):
        for module, measured in times.items():
            measured.append(seconds(module))
    for module, measured in times.items():
        ratio = statistics.median(a / b for a, b in zip(measured, times[BASELINE], strict=True))
        print(f"{module:30} {statistics.median(measured) * 1000:6.0f} ms   {ratio:4.2f} x {BASELINE}")


if __name__ == "__main__":
    main()
