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
    """Counts from `low` to `high`, of which one is the true one with probability `coverage`.

    `low` may be 0 (an empty bin), and `high` one more than the last class, which then means any number above that.
    """

    low: int
    high: int
    coverage: float


@dataclass(frozen=True)
class Prediction:
    """The most probable `count` among the classes, and how sure that is.

    `confidence` is the probability that the bin holds just `count` items. `probabilities` are those of each class given
    that the count is one of them; they sum to 1. `empty` and `fuller` are the probabilities that it is none of them,
    and `interval` is where the count lies; each is None for a model that can't tell.
    """

    count: int
    confidence: float
    probabilities: dict[str, float]
    empty: float | None = None
    fuller: float | None = None
    interval: Interval | None = None

    def fields(self) -> dict[str, Any]:
        """As a prediction line has them: without what the model can't tell."""
        return {name: value for name, value in asdict(self).items() if value is not None}


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
        classes = self.artifact.classes
        shares = {str(count): round(float(share), 6) for count, share in zip(classes, among_classes, strict=True)}
        count = classes[int(counted(among_classes[None])[0])]
        empty, fuller = self._out_of_range(row)
        inside = max(0, 1 - (empty or 0) - (fuller or 0))
        return Prediction(count, round(shares[str(count)] * inside, 6), shares, empty, fuller, self._interval(row))

    def _out_of_range(self, row: Floats) -> tuple[float | None, float | None]:
        outputs, classes = self.artifact.outputs, self.artifact.classes
        below = sum(float(share) for output, share in zip(outputs, row, strict=True) if output < classes[0])
        above = sum(float(share) for output, share in zip(outputs, row, strict=True) if output > classes[-1])
        empty = round(below, 6) if outputs[0] < classes[0] else None
        return empty, round(above, 6) if outputs[-1] > classes[-1] else None

    def _interval(self, row: Floats) -> Interval | None:
        if self.artifact.conformal is None:
            return None
        first, last = interval(row.tolist(), self.artifact.conformal.mass)
        outputs = self.artifact.outputs
        return Interval(outputs[first], outputs[last], self.artifact.conformal.coverage)


def counted(probabilities: Floats) -> npt.NDArray[np.int64]:
    """The place (N,) of the count in each row of probabilities (N, C): the most probable one.

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
