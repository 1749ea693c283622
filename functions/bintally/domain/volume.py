"""The volume of a bin's items, as the model estimates it from the photo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

MIN_LITRES, MAX_LITRES = 0.001, 1_000_000.0  # tables keep six decimals, so 0.001 is never stored as 0
MIN_SD, MAX_SD = 0.001, 10.0
MAX_WEIGHT = 10.0


@dataclass(frozen=True)
class Volume:
    """The estimated total volume of the items that a photo shows: `litres`, from `low` to `high` with `coverage`.

    The natural logarithm of the true volume is normally distributed around log(litres) with deviation `log_sd`.
    `count_weight` and `volume_weight` are the exponents of the two likelihoods in a verdict (`domain.risk`), fitted
    with the model. All three come with the prediction, so a stored result keeps its meaning when the model changes.
    """

    litres: float
    low: float
    high: float
    coverage: float
    log_sd: float
    count_weight: float
    volume_weight: float

    def facts(self) -> dict[str, float]:
        """The volume as tables store it."""
        return asdict(self)

    def estimate(self) -> dict[str, float]:
        """The part that people and other programs need."""
        return {"litres": self.litres, "low": self.low, "high": self.high, "coverage": self.coverage}


def volume_of(facts: Mapping[str, object]) -> Volume:
    """The volume in `facts`. Raises KeyError or ValueError if they are not a valid volume."""
    litres = _number(facts, "litres", MIN_LITRES, MAX_LITRES)
    return Volume(
        litres,
        _number(facts, "low", 0.0, litres),
        _number(facts, "high", litres, 100 * MAX_LITRES),
        _number(facts, "coverage", 0.0, 1.0),
        _number(facts, "log_sd", MIN_SD, MAX_SD),
        _number(facts, "count_weight", 0.0, MAX_WEIGHT),
        _number(facts, "volume_weight", 0.0, MAX_WEIGHT),
    )


def _number(facts: Mapping[str, object], name: str, least: float, most: float) -> float:
    number = float(str(facts[name]))
    if not least <= number <= most:  # nor is NaN
        raise ValueError(f"{name} is {number}, and not from {least:g} to {most:g}")
    return number


def litres_text(litres: float) -> str:
    """`0.022 l`, `0.35 l`, `2.1 l`, `36 l`: as many digits as an estimate deserves."""
    digits = 0 if litres >= 10 else 1 if litres >= 1 else 2 if litres >= 0.1 or not litres else 3
    return f"{litres:,.{digits}f} l"
