"""The container's code on every bad image, each between two good ones, in a process of its own.

Prints its prediction lines, and last the peak memory of the process in MiB.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from random import Random

from binmodel.stream import predict_stream

from tests.nothing_lost.pictures import poisons
from tests.unit.model_code.sample_images import grey_image, jpeg, light_predictor


def main(seed: int) -> None:
    good = jpeg(grey_image(3))
    files = [data for _, poison, _ in poisons(Random(seed)) for data in (good, poison)] + [good]
    for line in predict_stream(light_predictor(), files, lambda data: data):
        print(json.dumps(line))
    print(peak_memory())


def peak_memory() -> int:
    """In MiB. On Linux, ru_maxrss includes the peak of the process that started this one."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 2**20  # macOS counts bytes
    (peak,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) // 1024


if __name__ == "__main__":
    main(int(sys.argv[1]))
