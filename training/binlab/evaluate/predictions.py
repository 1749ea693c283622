"""What a model predicts for images with a known count, as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from binmodel.predict import Predictor
from binmodel.stream import predict_stream
from tqdm import tqdm

from binlab.data.dataset import CLASSES, LabelledImage, data_hash

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

OTHER_SPLIT = (
    "The model was trained on other data, or on another split of it. It may have seen some of these photos in "
    "training, so the figures here may be too good."
)


@dataclass(frozen=True)
class Volumes:
    """The estimated volumes of N images: log litres, standard deviations of these, and ends of intervals; all (N,).

    `weights` are the exponents of the likelihoods of count and volume.
    """

    logs: Floats
    log_sd: Floats
    low: Floats
    high: Floats
    weights: tuple[float, float]

    def where(self, mask: Mask | Counts) -> Volumes:
        """Those of the images that the mask (N,), or an index array, selects."""
        return Volumes(self.logs[mask], self.log_sd[mask], self.low[mask], self.high[mask], self.weights)


@dataclass(frozen=True)
class Predictions:
    """The recorded `counts` (N,) of N images and what the prediction lines say, in the same order.

    `predicted` (N,) is the line's count, or one more than the last class for "more than that"; `confidence` (N,) is its
    probability. `probabilities` (N, C) over `classes` are conditional on the count being one of them, and sum to 1.
    `empty` and `over_range` (N,) are the probabilities of no item and of more than the last class; both are 0 for a
    model without those outputs. `intervals` (N, 2) are the low and high ends of the prediction intervals, with one more
    than the last class for no upper end, and `nominal_coverage` is the coverage they claim; both are None if the lines
    carry no interval. `volumes` are None if not all lines carry one.
    """

    classes: tuple[int, ...]
    counts: Counts
    predicted: Counts
    confidence: Floats
    probabilities: Floats
    empty: Floats
    over_range: Floats
    intervals: Counts | None = None
    nominal_coverage: float | None = None
    volumes: Volumes | None = None

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def class_probabilities(self) -> Floats:
        """The probability of each class (N, C), not conditional: with `empty` and `over_range` they sum to 1."""
        return self.probabilities * (1 - self.empty - self.over_range)[:, None]

    @property
    def correct(self) -> Mask:
        return np.asarray(self.predicted == np.minimum(self.counts, self.classes[-1] + 1))

    @property
    def in_range(self) -> Mask:
        return np.isin(self.counts, self.classes)

    def where(self, mask: Mask | Counts) -> Predictions:
        """The predictions for the images that the mask (N,), or an index array, selects."""
        names = ("counts", "predicted", "confidence", "probabilities", "empty", "over_range")
        parts: dict[str, Any] = {name: getattr(self, name)[mask] for name in names}
        parts["intervals"] = None if self.intervals is None else self.intervals[mask]
        return replace(self, **parts, volumes=self.volumes and self.volumes.where(mask))


def predict(
    predictor: Predictor, images: list[LabelledImage]
) -> tuple[Predictions, list[LabelledImage], list[dict[str, Any]]]:
    """`read_predictions` of the photos, through the code that serves, with a progress bar."""
    lines = predict_stream(predictor, (image.path for image in images), Path.read_bytes)
    return read_predictions(tqdm(lines, "count", len(images), unit="photo"), images)


def read_predictions(
    lines: Iterable[dict[str, Any]], images: list[LabelledImage]
) -> tuple[Predictions, list[LabelledImage], list[dict[str, Any]]]:
    """The predictions, the images they belong to, and the errors as `{"id", "code", "message"}`.

    `lines` has one prediction line for each of `images`, in order. Lines may lack `empty`, `over_range`, `interval`,
    `volume`. Raises ValueError if no image could be counted.
    """
    pairs = list(zip(images, lines, strict=True))
    errors = [{"id": image.id, **line["error"]} for image, line in pairs if "error" in line]
    counted = [(image, line) for image, line in pairs if "error" not in line]
    if not counted:
        raise ValueError(f"None of the {len(pairs)} photos could be counted. The first error: {errors[:1]}")
    read = [line for _, line in counted]
    classes = tuple(int(count) for count in read[0]["probabilities"])
    intervals = [line["interval"] for line in read if line.get("interval")]
    ends = [[each["low"], classes[-1] + 1 if each["high"] is None else each["high"]] for each in intervals]
    complete = len(intervals) == len(read)
    predictions = Predictions(
        classes=classes,
        counts=np.array([image.count for image, _ in counted]),
        predicted=np.array([line["at_least"] if line["count"] is None else line["count"] for line in read]),
        confidence=np.array([line["confidence"] for line in read], float),
        probabilities=np.array([list(line["probabilities"].values()) for line in read], float),
        empty=np.array([line.get("empty") or 0.0 for line in read], float),
        over_range=np.array([line.get("over_range") or 0.0 for line in read], float),
        intervals=np.array(ends) if complete else None,
        nominal_coverage=intervals[0]["coverage"] if complete else None,
        volumes=_volumes([line.get("volume") for line in read]),
    )
    return predictions, [image for image, _ in counted], errors


def _volumes(found: list[dict[str, float] | None]) -> Volumes | None:
    known = [each for each in found if each]
    if len(known) < len(found):
        return None
    columns = np.array([[each[name] for name in ("litres", "low", "high", "log_sd")] for each in known])
    logs, low, high = np.log(columns[:, :3]).T
    return Volumes(logs, columns[:, 3], low, high, (known[0]["count_weight"], known[0]["volume_weight"]))


def same_split(data: Mapping[str, Any], split: dict[str, list[LabelledImage]]) -> bool | None:
    """Whether `split` is the one that the `data` section of a model.json was made from; None if it does not say.

    A model without outputs for bins out of range hashes only the images in range.
    """
    if "sha256" not in data:
        return None
    inside = {name: [image for image in images if image.count in CLASSES] for name, images in split.items()}
    return data["sha256"] in (data_hash(inside), data_hash(split))
