"""From pixels to a count with calibrated probabilities."""

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
from binmodel.volume import Volume

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """The true count is from `low` to `high` with probability `coverage`.

    `low` is 0 if the bin may be empty. `high` is None if there is no upper bound: `low` or more.
    """

    low: int
    high: int | None
    coverage: float


@dataclass(frozen=True)
class Prediction:
    """The most probable output of the network, with its probability as `confidence`.

    The output is `count`, a number of items (0 for an empty bin), or "more than the last class": then `count` is None
    and `at_least` is the last class + 1. Exactly one of the two is None. `probabilities` are those of each class given
    that the count is one of the classes; they sum to 1. `empty` and `over_range` are the probabilities that it is not,
    and `interval` includes `count` or `at_least`. `volume` is that of all items. Each of these four is None if the
    model does not provide it.
    """

    count: int | None
    at_least: int | None
    confidence: float
    probabilities: dict[str, float]
    empty: float | None = None
    over_range: float | None = None
    interval: Interval | None = None
    volume: Volume | None = None

    def fields(self) -> dict[str, Any]:
        """The fields of a prediction line: `count`, even if it is null, and the others that have a value."""
        return {name: value for name, value in asdict(self).items() if value is not None or name == "count"}


class Predictor:
    """A loaded model. Thread-safe, and fastest with `concurrency` threads at the same time."""

    def __init__(self, artifact: Artifact, run: Run, concurrency: int = 1) -> None:
        self.artifact = artifact
        self.concurrency = concurrency
        self._run = run

    @classmethod
    def load(cls, folder: Path, backend: str = "onnx", threads: int | None = None) -> Predictor:
        """Loads the model in `folder`. `backend` is `onnx` or `torch`; `threads` None means one for each core.

        Raises ArtifactError if the folder has no usable model.
        """
        artifact = load_artifact(folder)
        loaded = BACKENDS[backend](artifact, threads)
        return cls(artifact, loaded.run, loaded.concurrency)

    @property
    def model(self) -> str:
        return self.artifact.name

    @property
    def input_size(self) -> int:
        return self.artifact.input_size

    def predict(self, pixels: Pixels) -> list[Prediction]:
        """One prediction for each image in `pixels`, uint8 (N, S, S, 3) with S = `input_size`."""
        columns = self._run(normalise(pixels, self.artifact.mean, self.artifact.std))
        logits, log_litres = columns[:, : len(self.artifact.outputs)], columns[:, -1].tolist()
        if self.artifact.biases:
            logits = logits + np.asarray(self.artifact.biases, logits.dtype)
        temperature = self.artifact.temperature
        among_classes = softmax(in_range(logits, self.artifact.outputs, self.artifact.classes), temperature)
        rows = zip(softmax(logits, temperature), among_classes, log_litres, strict=True)
        return [self._prediction(*row) for row in rows]

    def _prediction(self, row: Floats, among_classes: Floats, log_litres: float) -> Prediction:
        """`row` has the probabilities of the outputs, `among_classes` those of the classes.

        `log_litres` means nothing for a model without a volume.
        """
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
            volume=self.artifact.volume.volume(log_litres) if self.artifact.volume else None,
        )

    def _interval(self, row: Floats) -> Interval | None:
        if self.artifact.conformal is None:
            return None
        first, last = interval(row.tolist(), self.artifact.conformal.mass)
        low, high = self.artifact.outputs[first], self.artifact.outputs[last]
        return Interval(low, high if high <= self.artifact.classes[-1] else None, self.artifact.conformal.coverage)


def counted(probabilities: Floats) -> npt.NDArray[np.int64]:
    """The index (N,) of the count in each row of probabilities (N, outputs): the first most probable one.

    This is the only definition of the count, for serving and training. An empty bin and "more than the last class" are
    outputs like any other. Intervals grow from the same index, so they include the count.
    The median would be fewer items off on average, but exactly right less often, and any wrong count is a mistake.
    """
    return np.asarray(probabilities.argmax(1))


def in_range(values: npt.NDArray[Any], outputs: Sequence[int], classes: Sequence[int]) -> npt.NDArray[Any]:
    """The values (N, classes) of the classes, from values (N, outputs) such as logits."""
    return values[:, [outputs.index(count) for count in classes]]


def softmax(logits: Logits, temperature: float = 1.0) -> Floats:
    """Probabilities (N, C) from logits (N, C), which are divided by `temperature` first."""
    scaled = logits.astype(np.float64) / temperature
    exponents = np.exp(scaled - scaled.max(1, keepdims=True))
    return np.asarray(exponents / exponents.sum(1, keepdims=True))
