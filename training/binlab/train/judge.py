"""What a network is worth on photographs it does not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from binmodel.predict import counted, softmax
from binmodel.preprocess import Pixels
from torch import nn

from binlab.data.dataset import CLASSES, Photo
from binlab.evaluate.metrics import summary
from binlab.train.loop import logits_of


@dataclass(frozen=True)
class Judge:
    """`outputs`: the count of each output; `shift` is added to the logits so that no class is favoured."""

    outputs: tuple[int, ...]
    shift: npt.NDArray[np.float32]

    def figures(self, network: nn.Module, pixels: Pixels, photos: Sequence[Photo]) -> dict[str, Any]:
        """Over photographs with a count in CLASSES, each class weighing the same; and the share of each guess."""
        logits = logits_of(network, pixels) + self.shift
        probabilities = softmax(logits[:, np.isin(self.outputs, CLASSES)])
        found = summary(probabilities, np.array([photo.count for photo in photos]), CLASSES)
        guesses = np.bincount(counted(probabilities), minlength=len(CLASSES)) / len(photos)
        return {
            "validation_loss": found["balanced_log_loss"],
            "balanced_accuracy": found["balanced_accuracy"],
            "rmse_expected": found["balanced_rmse_expected"],
            "within_one": found["balanced_within_one"],
            "ece": found["balanced_ece"],
            "accuracy": found["accuracy"],
            "guesses": {str(count): float(share) for count, share in zip(CLASSES, guesses, strict=True)},
        }
