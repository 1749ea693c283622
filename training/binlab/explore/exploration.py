"""What is in a folder of photographs, as figures: how many of what, how they came out, and what the records say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from binlab.data.dataset import Photo, class_of, record_path
from binlab.data.grouping import group_photos, side_of
from binlab.data.records import Item, contradiction, items_of, read_record
from binlab.explore.quality import BLURRED, DARK, Measured
from binlab.explore.suspects import Suspect, against_record, against_twins

PERCENTILES = (0, 1, 5, 25, 50, 75, 95, 99, 100)


@dataclass(frozen=True)
class Exploration:
    """A folder that was looked at. `items` are those of each photograph with a record, by photograph id."""

    root: Path
    photos: list[Photo]
    measured: dict[str, Measured]
    items: dict[str, list[Item]]
    sides: dict[str, str]
    contradictions: dict[str, str]

    @property
    def opened(self) -> list[Measured]:
        return [each for each in self.measured.values() if not each.problem]

    def of_class(self, values: Callable[[Photo], float | None]) -> dict[int, list[float]]:
        """The values that photographs have, by class; those of None are left out."""
        found: dict[int, list[float]] = {}
        for photo in self.photos:
            value = values(photo)
            if value is not None:
                found.setdefault(class_of(photo.count), []).append(value)
        return dict(sorted(found.items()))

    def sharpness(self, photo: Photo) -> float | None:
        return None if self.measured[photo.id].problem else self.measured[photo.id].sharpness

    def volume(self, photo: Photo) -> float | None:
        """Of all that is in the bin, cubic inches; None where a side of an item is not known."""
        volumes = [item.quantity * np.prod(item.sides) for item in self.items.get(photo.id, []) if item.sides]
        complete = len(volumes) == len(self.items.get(photo.id, []))
        return float(sum(volumes)) if volumes and complete else None


def explored(root: Path, photos: list[Photo], measured: Iterable[Measured]) -> Exploration:
    """Everything that is known of `photos` and of the files `measured`, some of which have no label."""
    by_id = {each.id: each for each in measured}
    looks = {name: each.look[0] if each.look else None for name, each in by_id.items()}
    records = {photo.id: read_record(record_path(root, photo.id)) for photo in photos}
    wrong = {photo.id: contradiction(records[photo.id], photo.count) for photo in photos}
    return Exploration(
        root=root,
        photos=photos,
        measured=by_id,
        items={name: items_of(record) for name, record in records.items() if record},
        sides={name: side_of(group) for name, group in group_photos(photos, looks).items()},
        contradictions={name: why for name, why in wrong.items() if why},
    )


def figures_of(found: Exploration, by_model: Sequence[Suspect] | None) -> dict[str, Any]:
    """All figures of the report. `by_model` is None where no model was asked."""
    return {
        "files": files(found),
        "classes": classes(found),
        "sizes": sizes(found.opened),
        "sharpness": {"percentiles": spread([each.sharpness for each in found.opened]), "blurred_below": BLURRED},
        "lightness": {"percentiles": spread([each.lightness for each in found.opened]), "dark_below": DARK},
        "blurred": sum(each.sharpness < BLURRED for each in found.opened),
        "dark": sum(each.lightness < DARK for each in found.opened),
        "items": item_figures(found),
        "broken": [{"id": each.id, "problem": each.problem} for each in found.measured.values() if each.problem],
        "suspects": suspects(found, by_model),
    }


def files(found: Exploration) -> dict[str, int]:
    return {
        "photographs": len(found.measured),
        "labelled": len(found.photos),
        "without_label": len(found.measured) - len(found.photos),
        "without_record": sum(photo.id not in found.items for photo in found.photos),
        "broken": len(found.measured) - len(found.opened),
        "bytes": sum(each.size for each in found.measured.values()),
    }


def classes(found: Exploration) -> dict[str, dict[str, int]]:
    """How many photographs each side has of each class, 6 standing for more than five."""
    counted = Counter((found.sides[photo.id], class_of(photo.count)) for photo in found.photos)
    labels = sorted({label for _, label in counted})
    return {side: {str(label): counted[side, label] for label in labels} for side in ("train", "validation", "test")}


def sizes(opened: Sequence[Measured]) -> dict[str, Any]:
    common = Counter(f"{each.width} x {each.height}" for each in opened).most_common(8)
    return {
        "width": spread([each.width for each in opened]),
        "height": spread([each.height for each in opened]),
        "square": sum(each.width == each.height for each in opened),
        "most_common": dict(common),
    }


def item_figures(found: Exploration) -> dict[str, Any]:
    entries = [item for items in found.items.values() for item in items]
    names = {item.asin: item.name for item in entries}
    bins = Counter(item.asin for item in entries)
    return {
        "records": len(found.items),
        "products": len(names),
        "items": sum(item.quantity for item in entries),
        "kinds": dict(Counter(item.kind for item in entries).most_common()),
        "products_in_a_bin": histogram(len(items) for items in found.items.values()),
        "quantity_of_a_product": histogram(item.quantity for item in entries),
        "longest_side_inches": spread([item.sides[0] for item in entries if item.sides]),
        "weight_pounds": spread([item.weight for item in entries if item.weight]),
        "without_sides": sum(item.sides is None for item in entries),
        "without_weight": sum(item.weight is None for item in entries),
        "most_common": [{"asin": asin, "name": names[asin], "bins": number} for asin, number in bins.most_common(10)],
    }


def suspects(found: Exploration, by_model: Sequence[Suspect] | None) -> dict[str, Any]:
    reasons = {
        "record": against_record(found.photos, found.contradictions),
        "twin": against_twins(found.photos, found.measured),
        "model": by_model,
    }
    return {reason: None if of is None else [asdict(suspect) for suspect in of] for reason, of in reasons.items()}


def spread(values: Sequence[float]) -> dict[str, float]:
    """Percentiles; empty where there is nothing."""
    if not len(values):
        return {}
    return {
        str(at): round(float(value), 3)
        for at, value in zip(PERCENTILES, np.percentile(values, PERCENTILES), strict=True)
    }


def histogram(numbers: Iterable[int], most: int = 6) -> dict[str, int]:
    """How often each number comes, `most` standing for itself and all above."""
    counted = Counter(min(number, most) for number in numbers)
    return {
        f"{number}{'+' if number == most else ''}": counted[number] for number in range(most + 1) if counted[number]
    }


def total(classes: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    return {label: sum(side[label] for side in classes.values()) for label in classes["train"]}
