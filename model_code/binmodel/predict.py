"""From pixels to a count with honest probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from binmodel.artifact import Artifact, load_artifact
from binmodel.backends import BACKENDS, Logits, Run
from binmodel.intervals import interval
from binmodel.preprocess import Pixels, normalise

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """Counts from `low` to `high`, one of which is the true one with probability `coverage`.

    `low` is 0 where the bin may be empty. `high` is None where there is no upper end: `low` or more.
    """

    low: int
    high: int | None
    coverage: float


@dataclass(frozen=True)
class Prediction:
    """The most probable output of the network, and its probability, `confidence`.

    The output is a number of items, `count` (0 is an empty bin), or it is "more than the last class": then `count` is
    None and `at_least` is the last class + 1. Exactly one of the two is None. `probabilities` are those of each class
    given that the count is one of them; they sum to 1. `empty` and `over_range` are the probabilities that it is none
    of them, and `interval` is where the count is, which includes `count` or `at_least`; each is None for a model that
    can't tell.
    """

    count: int | None
    at_least: int | None
    confidence: float
    probabilities: dict[str, float]
    empty: float | None = None
    over_range: float | None = None
    interval: Interval | None = None

    def fields(self) -> dict[str, Any]:
        """The fields of a prediction line: `count`, null or not, and the others that have a value."""
        return {name: value for name, value in asdict(self).items() if value is not None or name == "count"}


class Predictor:
    """A model that is loaded and answers from several threads: for `at_once` batches at once it is fastest."""

    def __init__(self, artifact: Artifact, run: Run, at_once: int = 1) -> None:
        self.artifact = artifact
        self.at_once = at_once
        self._run = run

    @classmethod
    def load(cls, folder: Path, backend: str = "onnx", threads: int | None = None) -> Predictor:
        """The model in `folder`. `backend` is `onnx` or `torch`; `threads` that work at once, None: one for each core.

        Raises ArtifactError when the folder holds no usable model.
        """
        artifact = load_artifact(folder)
        loaded = BACKENDS[backend](artifact, threads)
        return cls(artifact, loaded.run, loaded.at_once)

    @property
    def model(self) -> str:
        return self.artifact.name

    @property
    def input_size(self) -> int:
        return self.artifact.input_size

    def predict(self, pixels: Pixels) -> list[Prediction]:
        """One prediction for each picture of `pixels`, uint8 (N, S, S, 3) with S = `input_size`."""
        logits = self._run(normalise(pixels, self.artifact.mean, self.artifact.std))
        temperature = self.artifact.temperature
        among_classes = softmax(in_range(logits, self.artifact.outputs, self.artifact.classes), temperature)
        return [self._prediction(*rows) for rows in zip(softmax(logits, temperature), among_classes, strict=True)]

    def _prediction(self, row: Floats, among_classes: Floats) -> Prediction:
        """`row` are probabilities over the outputs, `among_classes` those over the classes."""
        outputs, classes = self.artifact.outputs, self.artifact.classes
        place = int(counted(row[None])[0])
        exact = outputs[place] <= classes[-1]
        return Prediction(
            count=outputs[place] if exact else None,
            at_least=None if exact else outputs[place],
            confidence=round(float(row[place]), 6),
            probabilities={str(count): round(float(p), 6) for count, p in zip(classes, among_classes, strict=True)},
            empty=round(float(row[0]), 6) if outputs[0] < classes[0] else None,
            over_range=round(float(row[-1]), 6) if outputs[-1] > classes[-1] else None,
            interval=self._interval(row),
        )

    def _interval(self, row: Floats) -> Interval | None:
        if self.artifact.conformal is None:
            return None
        first, last = interval(row.tolist(), self.artifact.conformal.mass)
        low, high = self.artifact.outputs[first], self.artifact.outputs[last]
        return Interval(low, high if high <= self.artifact.classes[-1] else None, self.artifact.conformal.coverage)


def counted(probabilities: Floats) -> npt.NDArray[np.int64]:
    """The place (N,) of the count in each row of probabilities (N, C): the most probable one, the first of equals.

    The one definition of the count, here and in training. `C` are all outputs: an empty bin, and one with more than the
    last class, are answers like any other. Intervals grow from the same place, so they include the count.
    The median would be fewer items wrong on average, and exactly right less often: a wrong count ships a wrong box.
    """
    return np.asarray(probabilities.argmax(1))


def in_range(values: npt.NDArray[Any], outputs: Sequence[int], classes: Sequence[int]) -> npt.NDArray[Any]:
    """Of values (N, outputs), such as logits, those of the classes: (N, classes)."""
    return values[:, [outputs.index(count) for count in classes]]


def softmax(logits: Logits, temperature: float = 1.0) -> Floats:
    """Probabilities (N, C) of logits (N, C), each divided by `temperature` first."""
    scaled = logits.astype(np.float64) / temperature
    exponents = np.exp(scaled - scaled.max(1, keepdims=True))
    return np.asarray(exponents / exponents.sum(1, keepdims=True))
