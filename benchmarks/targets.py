"""What the figures should reach, what they reach, and what stands in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Section = Mapping[str, Any]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """`figure` reads a number from a section, or None if it was not measured. `least`: it should be at least `goal`."""

    name: str
    section: str
    figure: Callable[[Section], float | None]
    goal: float
    unit: str
    least: bool
    hindrance: str

    def reached(self, value: float) -> bool:
        return value >= self.goal if self.least else value <= self.goal


def named(rows: list[Row], *parts: str) -> Row | None:
    """The first row whose name has all `parts`."""
    return next((row for row in rows if all(part in row["name"] for part in parts)), None)


def against(*parts: str) -> Callable[[Section], float | None]:
    """How many times as fast ours is as another engine."""

    def figure(section: Section) -> float | None:
        found = (ratio for name, ratio in section["ours_against"].items() if all(part in name for part in parts))
        return next((ratio["median"] for ratio in found), None)

    return figure


def lost(section: Section) -> float | None:
    """Points of balanced accuracy on the test photos."""
    found = section["accuracy"]["recorded"]
    return round(100 * (found["float"] - found["int8"]), 2) if "float" in found else None


def ratio_of(*parts: str) -> Callable[[Section], float | None]:
    def figure(section: Section) -> float | None:
        row = named(section["rows"], *parts)
        return row["ratio"]["median"] if row else None

    return figure


VNNI = "VNNI does four times the multiplications of float32 in an instruction, so the rest has to come from elsewhere"
TARGETS = (
    Target(
        "int8 at the shipped size against torch eager, channels last, at 224 px", "inference",
        against("eager", "last, 224"), 7, "x", True, VNNI,
    ),
    Target(
        "int8 against torch eager, channels last, at the same size", "inference",
        against("eager, channels last, 1"), 5, "x", True, VNNI,
    ),
    Target(
        "int8 against OpenVINO int8", "inference", against("OpenVINO"), 1, "x", True,
        "another engine would need another calibration and give other verdicts: see decisions.md",
    ),
    Target(
        "accuracy lost to int8 on the test photos (less than 0: int8 is better)", "inference", lost,
        0.5, " points", False, "more layers in float would be slower",
    ),
    Target(
        "a manifest of 500 over HTTP against pixels that are ready", "http", ratio_of("500"),
        0.85, "x", True, "JPEGs are read and decoded on the same cores",
    ),
    Target(
        "1,000 photos from upload to verdict against the model over HTTP", "end_to_end", ratio_of("1,000"),
        0.65, "x", True, "the emulator of AWS takes the same cores: see the table of processor time",
    ),
    Target(
        "AWS requests for an image", "aws", lambda section: section["totals"]["ours"]["requests"],
        1.4, "", False, "see the table of operations",
    ),
    Target(
        "DynamoDB write units for an image", "aws", lambda section: section["totals"]["ours"]["write_units"],
        4, "", False, "writes in transactions take two units each",
    ),
    Target(
        "US dollars for a million images, all at once, unchecked prices", "aws", lambda section: section["flood"],
        9, "", False, "write units, uploads and events: see the table",
    ),
    Target(
        "cold start against bare boto3, the slowest function", "cold_start",
        lambda section: max(each["cold_ratio"]["median"] for each in section["functions"]),
        1.3, "x", False, "the imports, mostly Powertools (logs, metrics, batches)",
    ),
)  # fmt: skip


def judged(results: Mapping[str, Section]) -> Iterator[tuple[Target, float | None]]:
    """Each target with what was measured, None where it was not."""
    for target in TARGETS:
        yield target, target.figure(results[target.section]) if target.section in results else None
