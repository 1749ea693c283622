"""A folder of photos in figures: images by class, their quality, and what the records say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from binlab.data.dataset import LabelledImage, class_of, record_path
from binlab.data.records import Item, contradiction, items_of, read_record
from binlab.data.sampling import group_images, split_of
from binlab.explore.quality import BLURRED, DARK, Measured
from binlab.explore.suspects import Suspect, against_record, against_twins

PERCENTILES = (0, 1, 5, 25, 50, 75, 95, 99, 100)


@dataclass(frozen=True)
class Exploration:
    """An explored folder. `items`, `splits` and `contradictions` are by image id; `items` only with a record."""

    root: Path
    images: list[LabelledImage]
    measured: dict[str, Measured]
    items: dict[str, list[Item]]
    splits: dict[str, str]
    contradictions: dict[str, str]

    @property
    def opened(self) -> list[Measured]:
        return [each for each in self.measured.values() if not each.problem]

    def of_class(self, values: Callable[[LabelledImage], float | None]) -> dict[int, list[float]]:
        """The values of the images by class, without None."""
        found: dict[int, list[float]] = {}
        for image in self.images:
            value = values(image)
            if value is not None:
                found.setdefault(class_of(image.count), []).append(value)
        return dict(sorted(found.items()))

    def sharpness(self, image: LabelledImage) -> float | None:
        return None if self.measured[image.id].problem else self.measured[image.id].sharpness

    def volume(self, image: LabelledImage) -> float | None:
        """Volume of everything in the bin, cubic inches; None if a side of an item is unknown."""
        volumes = [item.quantity * np.prod(item.sides) for item in self.items.get(image.id, []) if item.sides]
        complete = len(volumes) == len(self.items.get(image.id, []))
        return float(sum(volumes)) if volumes and complete else None


def explore(root: Path, images: list[LabelledImage], measured: Iterable[Measured]) -> Exploration:
    """Explore `images` and the files `measured`, which may include files without a label."""
    by_id = {each.id: each for each in measured}
    hashes = {name: each.hashes[0] if each.hashes else None for name, each in by_id.items()}
    records = {image.id: read_record(record_path(root, image.id)) for image in images}
    wrong = {image.id: contradiction(records[image.id], image.count) for image in images}
    return Exploration(
        root=root,
        images=images,
        measured=by_id,
        items={name: items_of(record) for name, record in records.items() if record},
        splits={name: split_of(group) for name, group in group_images(images, hashes).items()},
        contradictions={name: why for name, why in wrong.items() if why},
    )


def figures_of(found: Exploration, by_model: Sequence[Suspect] | None) -> dict[str, Any]:
    """All figures of the report. `by_model` is None if no model was used."""
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
        "images": len(found.measured),
        "labelled": len(found.images),
        "without_label": len(found.measured) - len(found.images),
        "without_record": sum(image.id not in found.items for image in found.images),
        "broken": len(found.measured) - len(found.opened),
        "bytes": sum(each.size for each in found.measured.values()),
    }


def classes(found: Exploration) -> dict[str, dict[str, int]]:
    """Images by split and class; class 6 means six or more."""
    counted = Counter((found.splits[image.id], class_of(image.count)) for image in found.images)
    labels = sorted({label for _, label in counted})
    return {split: {str(label): counted[split, label] for label in labels} for split in ("train", "validation", "test")}


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
        "record": against_record(found.images, found.contradictions),
        "twin": against_twins(found.images, found.measured),
        "model": by_model,
    }
    return {reason: None if of is None else [asdict(suspect) for suspect in of] for reason, of in reasons.items()}


def spread(values: Sequence[float]) -> dict[str, float]:
    """Percentiles; empty without values."""
    if not len(values):
        return {}
    return {
        str(at): round(float(value), 3)
        for at, value in zip(PERCENTILES, np.percentile(values, PERCENTILES), strict=True)
    }


def histogram(numbers: Iterable[int], most: int = 6) -> dict[str, int]:
    """How often each number occurs; `most` stands for itself and all above."""
    counted = Counter(min(number, most) for number in numbers)
    return {
        f"{number}{'+' if number == most else ''}": counted[number] for number in range(most + 1) if counted[number]
    }


def total(classes: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    return {label: sum(split[label] for split in classes.values()) for label in classes["train"]}
