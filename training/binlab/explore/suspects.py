"""Labels that are probably wrong, and why: the record contradicts itself, a twin says otherwise, or a model is sure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from binlab.data.dataset import EMPTY, FULLER, Photo, class_of
from binlab.explore.quality import Measured

SURE = 0.95  # that the label is wrong, whatever is right


@dataclass(frozen=True)
class Suspect:
    """A photograph whose label may be wrong. `reason`: record, twin or model; `strength` orders those of one reason."""

    id: str
    count: int
    reason: str
    detail: str
    strength: float


def against_record(photos: Iterable[Photo], contradictions: Mapping[str, str]) -> list[Suspect]:
    return [
        Suspect(photo.id, photo.count, "record", contradictions[photo.id], 1.0)
        for photo in photos
        if photo.id in contradictions
    ]


def against_twins(photos: Iterable[Photo], measured: Mapping[str, Measured]) -> list[Suspect]:
    """Photographs that two different hashes can't tell apart, with different counts.

    Only equal looks, for nearly equal ones are often the same bin before and after a pick, and both labels right.
    """
    looks: dict[Any, list[Photo]] = defaultdict(list)
    for photo in photos:
        if look := measured[photo.id].look:
            looks[look].append(photo)
    return [
        Suspect(photo.id, photo.count, "twin", f"looks the same as {other.id}, which has {other.count}", 1.0)
        for same in looks.values()
        for photo in same
        for other in [next((each for each in same if each.count != photo.count), None)]
        if other
    ]


def against_model(photos: Sequence[Photo], lines: Iterable[Mapping[str, Any]], sure: float = SURE) -> list[Suspect]:
    """Where the model is at least `sure` that the count is another one than the label; the surest first.

    `lines` are predictions. A model that learnt from these labels agrees with more of them than it should.
    """
    found = []
    for photo, line in zip(photos, lines, strict=True):
        chances = {} if "error" in line else outcomes(line)
        label = class_of(photo.count)
        if label in chances and 1 - chances[label] >= sure:
            best = max(chances, key=lambda count: chances[count])
            said = {EMPTY: "empty", FULLER: f"more than {FULLER - 1}"}.get(best, str(best))
            detail = f"the model says {said} ({chances[best]:.0%}), the label {chances[label]:.1%}"
            found.append(Suspect(photo.id, photo.count, "model", detail, 1 - chances[label]))
    return sorted(found, key=lambda suspect: -suspect.strength)


def outcomes(line: Mapping[str, Any]) -> dict[int, float]:
    """The probability of each class, and of empty and fuller where the model knows them: together 1."""
    outside = {EMPTY: line.get("empty"), FULLER: line.get("over_range")}
    known = {count: chance for count, chance in outside.items() if chance is not None}
    inside = 1 - sum(known.values())
    return {**{int(count): chance * inside for count, chance in line["probabilities"].items()}, **known}
