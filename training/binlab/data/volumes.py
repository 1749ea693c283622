"""The total volume of a bin's items, from the sides and quantities in its record.

A volume is unknown if there is no record, if the record contradicts the count, if an item's sides are not recorded, or
if the total is implausible: under MIN_LITRES (sides in the wrong unit, or placeholders of one inch) or over MAX_LITRES
(more than any bin holds). Sides are those of the packed item; soft goods may fold to less.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from binlab.data.dataset import LabelledImage, record_path
from binlab.data.records import contradiction, items_of, read_record

LITRES_PER_CUBIC_INCH = 0.0254**3 * 1000
MIN_LITRES, MAX_LITRES = 0.02, 100.0

Floats = npt.NDArray[np.float64]


def litres_of(record: dict[str, Any], count: int) -> float | None:
    """The total volume of the items in the record of a bin with this count; None if it is unknown."""
    present = [item for item in items_of(record) if item.quantity]
    if contradiction(record, count) or any(item.sides is None for item in present):
        return None
    litres = sum(item.quantity * math.prod(item.sides or ()) * LITRES_PER_CUBIC_INCH for item in present)
    return litres if MIN_LITRES <= litres <= MAX_LITRES else None


def log_litres(root: Path, images: Iterable[LabelledImage]) -> Floats:
    """The natural logarithm of each image's volume (N,), from the records under `root`; NaN where it is unknown."""
    found = [litres_of(read_record(record_path(root, image.id)), image.count) for image in images]
    return np.array([math.nan if litres is None else math.log(litres) for litres in found], float)
