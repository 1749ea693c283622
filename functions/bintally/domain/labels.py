"""Labels for training, from what people decided about photos."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from bintally.domain.decisions import Decision, standing

MAX_WEIGHT = 50.0  # an audit of 3% weighs 33; a rarer one must not outweigh all others


@dataclass(frozen=True)
class Label:
    """How many items a photo shows, and how many photos of the site it stands for."""

    image_id: str
    count: int
    weight: float


def labels_of(decisions: Iterable[Decision]) -> list[Label]:
    """The label of each photo whose last decision that stands has a count, ordered by image id."""
    by_image: dict[str, list[Decision]] = defaultdict(list)
    for each in decisions:
        by_image[each.image_id].append(each)
    last = (standing(about, image_id) for image_id, about in sorted(by_image.items()))
    return [
        Label(each.image_id, each.count, weight_of(each.selection_probability))
        for each in last
        if each is not None and each.count is not None
    ]


def weight_of(selection_probability: float | None) -> float:
    """One by the probability that a person is asked, at most MAX_WEIGHT; 1 for a photo that a person chose.

    Weighted like this, the photos that people were asked about stand for all photos of order lines.
    """
    return min(MAX_WEIGHT, round(1 / selection_probability, 3)) if selection_probability else 1.0
