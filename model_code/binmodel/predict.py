"""From pixels to a count with honest probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from binmodel.artifact import Artifact, load_artifact
from binmodel.backends import BACKENDS, Logits, Run
from binmodel.preprocess import Pixels, normalise


@dataclass(frozen=True)
class Prediction:
    """The most probable `count`, its probability `confidence`, and the probability of each count, which sum to 1."""

    count: int
    confidence: float
    probabilities: dict[str, float]


class Predictor:
    """A model that is loaded and answers from several threads at once."""

    def __init__(self, artifact: Artifact, run: Run) -> None:
        self.artifact = artifact
        self._run = run

    @classmethod
    def load(cls, folder: Path, backend: str = "onnx", threads: int | None = None) -> Predictor:
        """The model in `folder`. `backend` is `onnx` or `torch`; `threads` None means one for each core.

        Raises ArtifactError when the folder holds no usable model.
        """
        artifact = load_artifact(folder)
        return cls(artifact, BACKENDS[backend](artifact, threads))

    @property
    def model(self) -> str:
        return self.artifact.name

    @property
    def input_size(self) -> int:
        return self.artifact.input_size

    def predict(self, pixels: Pixels) -> list[Prediction]:
        """One prediction for each picture of `pixels`, uint8 (N, S, S, 3) with S = `input_size`."""
        logits = self._run(normalise(pixels, self.artifact.mean, self.artifact.std))
        return [self._prediction(row) for row in softmax(logits, self.artifact.temperature)]

    def _prediction(self, row: npt.NDArray[np.float64]) -> Prediction:
        counts = [str(count) for count in self.artifact.classes]
        best = int(row.argmax())
        probabilities = {count: round(float(value), 6) for count, value in zip(counts, row, strict=True)}
        return Prediction(self.artifact.classes[best], probabilities[counts[best]], probabilities)


def softmax(logits: Logits, temperature: float = 1.0) -> npt.NDArray[np.float64]:
    """Probabilities (N, C) of logits (N, C), each divided by `temperature` first."""
    scaled = logits.astype(np.float64) / temperature
    exponents = np.exp(scaled - scaled.max(1, keepdims=True))
    return np.asarray(exponents / exponents.sum(1, keepdims=True))
