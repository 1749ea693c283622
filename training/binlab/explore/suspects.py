"""Labels that are probably wrong: the record contradicts itself, a twin differs, or a model disagrees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from binlab.data.dataset import EMPTY, OVER_RANGE, LabelledImage, class_of
from binlab.explore.quality import Measured

SURE = 0.95  # probability that the label is wrong, whatever the correct count


@dataclass(frozen=True)
class Suspect:
    """An image whose label may be wrong. `reason`: record, twin or model. `strength` orders those with one reason."""

    id: str
    count: int
    reason: str
    detail: str
    strength: float


def against_record(images: Iterable[LabelledImage], contradictions: Mapping[str, str]) -> list[Suspect]:
    return [
        Suspect(image.id, image.count, "record", contradictions[image.id], 1.0)
        for image in images
        if image.id in contradictions
    ]


def against_twins(images: Iterable[LabelledImage], measured: Mapping[str, Measured]) -> list[Suspect]:
    """Images with different counts that two perceptual hashes cannot tell apart.

    Only equal hashes: nearly equal ones often show one bin before and after a pick, and both labels are correct.
    """
    by_hash: dict[Any, list[LabelledImage]] = defaultdict(list)
    for image in images:
        if hashes := measured[image.id].hashes:
            by_hash[hashes].append(image)
    return [
        Suspect(image.id, image.count, "twin", f"looks the same as {other.id}, with a count of {other.count}", 1.0)
        for same in by_hash.values()
        for image in same
        for other in [next((each for each in same if each.count != image.count), None)]
        if other
    ]


def against_model(
    images: Sequence[LabelledImage], lines: Iterable[Mapping[str, Any]], sure: float = SURE
) -> list[Suspect]:
    """Images whose label the model gives a probability of at most 1 - `sure`; the most confident first.

    `lines` are prediction lines. A model trained on these labels agrees with more of them than it should.
    """
    found = []
    for image, line in zip(images, lines, strict=True):
        chances = {} if "error" in line else count_probabilities(line)
        label = class_of(image.count)
        if label in chances and 1 - chances[label] >= sure:
            best = max(chances, key=lambda count: chances[count])
            name = {EMPTY: "empty", OVER_RANGE: f"more than {OVER_RANGE - 1}"}.get(best, str(best))
            detail = f"the model predicts {name} ({chances[best]:.0%}) and gives the label {chances[label]:.1%}"
            found.append(Suspect(image.id, image.count, "model", detail, 1 - chances[label]))
    return sorted(found, key=lambda suspect: -suspect.strength)


def count_probabilities(line: Mapping[str, Any]) -> dict[int, float]:
    """The probability of each count, including EMPTY and OVER_RANGE if the model has them; they sum to 1."""
    outside = {EMPTY: line.get("empty"), OVER_RANGE: line.get("over_range")}
    known = {count: chance for count, chance in outside.items() if chance is not None}
    inside = 1 - sum(known.values())
    return {**{int(count): chance * inside for count, chance in line["probabilities"].items()}, **known}
