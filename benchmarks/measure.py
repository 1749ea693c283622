"""What every section shares: alternating repeats, median and spread, and the machine that measured."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bincli.demo.photos import Photo

from benchmarks.interleaved import interleaved

FLAGS = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16", "asimd")
PACKAGES = ("onnxruntime", "torch", "torchvision", "numpy", "pillow", "boto3", "ministack", "openvino")
NOT_INSTALLED = "not installed"
DIGITS = 3

Work = Callable[[], object]
Row = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """What to measure on, and how often. `long` adds what takes minutes more."""

    photos: Sequence[Photo]
    origin: str
    dataset: Path | None
    repeats: int
    quick: bool = False
    long: bool = False

    def some(self, number: int) -> list[Photo]:
        """`number` photos, some of them several times if there are fewer; a tenth of that with `quick`."""
        wanted = max(4, number // 10) if self.quick else number
        return [self.photos[place % len(self.photos)] for place in range(wanted)]


def rounded(value: float, digits: int = DIGITS) -> float:
    """To significant digits."""
    return float(f"{value:.{digits}g}")


def spread(values: Iterable[float]) -> dict[str, float]:
    """Median, least and greatest of the repeats."""
    found = list(values)
    return {"median": rounded(statistics.median(found)), "min": rounded(min(found)), "max": rounded(max(found))}


def compared(values: Mapping[str, Sequence[float]], baseline: str, unit: str) -> list[Row]:
    """A row for each way: its spread in `unit`, and that of its ratio to the baseline of the same repeat."""
    return [
        {
            "name": name,
            "unit": unit,
            "value": spread(measured),
            "ratio": spread(a / b for a, b in zip(measured, values[baseline], strict=True)),
            "baseline": name == baseline,
        }
        for name, measured in values.items()
    ]


def rates(ways: Mapping[str, tuple[int, Work]], repeats: int) -> dict[str, list[float]]:
    """Images/s of each way (its images, its work) in each repeat, after one that is not counted."""
    works = {name: work for name, (_, work) in ways.items()}
    interleaved(works, 1)
    rounds = interleaved(works, repeats)
    return {name: [number / seconds[name] for seconds in rounds] for name, (number, _) in ways.items()}


def machine(cpuinfo: Path = Path("/proc/cpuinfo")) -> dict[str, Any]:
    """The processor, memory and versions; nothing that names the machine or its folders."""
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    flags = facts.get("flags", facts.get("Features", "")).split()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": facts.get("model name", platform.processor() or platform.machine()),
        "family": " ".join(f"{name} {facts[name]}" for name in ("cpu family", "model", "stepping") if name in facts),
        "cores": os.cpu_count(),
        "flags": [flag for flag in FLAGS if flag in flags],
        "memory_gib": round(memory / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {name: installed(name) for name in PACKAGES},
    }


def installed(package: str) -> str:
    """The version of a package, or NOT_INSTALLED."""
    try:
        return version(package)
    except PackageNotFoundError:
        return NOT_INSTALLED
