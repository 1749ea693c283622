"""Whether photographs are on the side of the split that they were on when a model learnt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from binlab.data.dataset import CLASSES, Photo, data_hash

OTHER_SPLIT = (
    "The model's own description names other data or another split than this: it may have learnt from some of these "
    "photographs, and be worse than it looks here."
)


def same_split(data: Mapping[str, Any], split: dict[str, list[Photo]]) -> bool | None:
    """Whether `split` holds what `data` of a `model.json` was made from, file by file; None where it does not say.

    A model without outputs for empty and fuller bins names only the photographs in range.
    """
    if "sha256" not in data:
        return None
    inside = {side: [photo for photo in photos if photo.count in CLASSES] for side, photos in split.items()}
    return data["sha256"] in (data_hash(inside), data_hash(split))
