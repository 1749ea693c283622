"""The total volume of the items that a photo shows, from the network's estimate of its natural logarithm."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# The limits of a prediction line (functions/bintally/domain/volume.py; a test compares them).
MIN_LITRES, MAX_LITRES = 0.001, 1_000_000.0
MIN_SD, MAX_SD = 0.001, 10.0
MAX_WEIGHT = 10.0
MAX_DISTANCE = 10.0  # of an interval's end from the estimate, in standard deviations
MAX_SLOPE = 1.0
DECIMALS = 6


@dataclass(frozen=True)
class Volume:
    """The items have `litres` in total, from `low` to `high` with probability `coverage`.

    `log_sd` is the standard deviation of log(true litres) around log(`litres`). `count_weight` and `volume_weight` are
    the exponents of the two likelihoods when a verdict weighs count and volume.
    """

    litres: float
    low: float
    high: float
    coverage: float
    log_sd: float
    count_weight: float
    volume_weight: float


@dataclass(frozen=True)
class VolumeCalibration:
    """What the network's log litres mean.

    Their standard deviation is `log_sd` at the estimate `centre` and changes by the factor e^`slope` for each unit of
    it, to half or twice `log_sd` at most. `low` and `high`, in standard deviations, are added to the estimate to get
    the ends of the interval.
    """

    low: float
    high: float
    coverage: float
    log_sd: float
    slope: float
    centre: float
    count_weight: float
    volume_weight: float

    def __post_init__(self) -> None:
        """Raises ValueError for values that would make every prediction line invalid."""
        limits = {
            "low": (-MAX_DISTANCE, 0.0), "high": (0.0, MAX_DISTANCE), "coverage": (0.0, 1.0),
            "log_sd": (MIN_SD, MAX_SD), "slope": (-MAX_SLOPE, MAX_SLOPE),
            "centre": (math.log(MIN_LITRES), math.log(MAX_LITRES)),
            "count_weight": (0.0, MAX_WEIGHT), "volume_weight": (0.0, MAX_WEIGHT),
        }  # fmt: skip
        for name, (least, most) in limits.items():
            if not least <= getattr(self, name) <= most:  # nor is NaN
                raise ValueError(f"volume.{name} is {getattr(self, name)}, and not from {least:g} to {most:g}")

    def deviation(self, log_litres: float) -> float:
        """The standard deviation of log(true litres) for this estimate."""
        factor = math.exp(max(-100.0, min(100.0, self.slope * (log_litres - self.centre))))
        return min(max(self.log_sd * min(max(factor, 0.5), 2.0), MIN_SD), MAX_SD)

    def volume(self, log_litres: float) -> Volume:
        """The volume of a photo. What a prediction line may not carry is limited to what it may."""
        estimate = min(max(log_litres, math.log(MIN_LITRES)), math.log(MAX_LITRES))
        sd = self.deviation(estimate)
        litres, low, high = (round(math.exp(estimate + sd * place), DECIMALS) for place in (0.0, self.low, self.high))
        high = min(high, 100 * MAX_LITRES)
        return Volume(litres, low, high, self.coverage, round(sd, DECIMALS), self.count_weight, self.volume_weight)


def volume_calibration(fields: Mapping[str, Any] | None) -> VolumeCalibration | None:
    """From the `volume` section of model.json; None without one. Raises LookupError, TypeError or ValueError."""
    if not fields:
        return None
    return VolumeCalibration(*(float(fields[field.name]) for field in dataclasses.fields(VolumeCalibration)))
