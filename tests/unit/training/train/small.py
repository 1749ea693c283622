"""A network that learns in a moment, and images that it can tell apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from binlab.train.loop import TrainState
from binlab.train.recipe import RECIPES, Recipe, Stage
from binlab.train.state import train_state

LIGHT = np.repeat([30, 220], 32)
PIXELS = np.broadcast_to(LIGHT[:, None, None, None], (64, 12, 12, 3)).astype(np.uint8)
LABELS = (LIGHT > 100).astype(np.int64)
RECIPE = replace(
    RECIPES["best"], stages=(Stage(8, 8),), batch=16, lr=0.2, head_lr_mult=1.0, neighbour_smoothing=0.0, mixup=0.0,
    augment="light", ema=0.5, out_of_range=False,
)  # fmt: skip


class Lightness(torch.nn.Module):
    """The mean of an image, times a learnt weight for each output."""

    def __init__(self, outputs: int = 2) -> None:
        super().__init__()
        self.first = torch.nn.Linear(1, 1)
        self.fc = torch.nn.Linear(1, outputs)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.fc(self.first(batch.mean((1, 2, 3))[:, None]))


def small_state(
    recipe: Recipe = RECIPE, images: int = len(LABELS), outputs: int = 2
) -> tuple[Lightness, TrainState]:  # fmt: skip
    torch.manual_seed(0)
    network = Lightness(outputs)
    return network, train_state(network, recipe, images, 0, 1)
