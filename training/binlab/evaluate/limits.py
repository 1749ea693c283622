"""How sure a share is that was measured on a sample: limits of 95% confidence."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt

import numpy as np

Z = 1.959964  # of 95%, two-sided
METHOD = "Wilson's score interval; for balanced shares those of the classes put together by MOVER"


def wilson(share: float, photographs: float) -> tuple[float, float]:
    """Limits of a share seen in `photographs` independent ones (Wilson, 1927). Without any, (0, 1)."""
    if photographs == 0:
        return 0.0, 1.0
    spread = Z * sqrt(share * (1 - share) / photographs + Z**2 / (4 * photographs**2))
    scale = 1 + Z**2 / photographs
    centre = share + Z**2 / (2 * photographs)
    return max(0.0, min(share, (centre - spread) / scale)), min(1.0, max(share, (centre + spread) / scale))


def balanced(shares: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Limits of the mean of the classes' shares, each seen in its number of photographs: `(share, photographs)`.

    MOVER: each class's Wilson limits, put together as independent errors (Zou and Donner, 2008, Statistics in
    Medicine 27:1693). Unlike resampling it needs no seed, and a class of which all are right still has a width.
    """
    found = [(share, *wilson(share, photographs)) for share, photographs in shares]
    mean = float(np.mean([share for share, _, _ in found]))
    below = sqrt(sum((share - low) ** 2 for share, low, _ in found)) / len(found)
    above = sqrt(sum((high - share) ** 2 for share, _, high in found)) / len(found)
    return max(0.0, mean - below), min(1.0, mean + above)
