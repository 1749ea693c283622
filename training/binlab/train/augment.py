"""Pictures varied on their way into the network, so that it learns the bin and not the photograph.

Nothing here hides an item: what is cut off, erased or painted over could not be counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True)
class Variation:
    """How far pictures are varied: sides of the crop and of light from..to as factors, `turn` in degrees each way."""

    crop: tuple[float, float]
    turn: float
    gain: tuple[float, float]
    contrast: tuple[float, float]
    colour: tuple[float, float]


VARIATIONS = {
    "light": Variation((0.80, 1.0), 0.0, (0.75, 1.25), (0.8, 1.2), (1.0, 1.0)),
    "strong": Variation((0.75, 1.05), 8.0, (0.6, 1.4), (0.6, 1.4), (0.0, 1.6)),
}


def varied(batch: torch.Tensor, size: int, augment: str, generator: torch.Generator) -> torch.Tensor:
    """The batch, (N, 3, C, C) in 0..1, each picture varied on its own, as (N, 3, size, size). `none` only resizes."""
    if augment == "none":
        return functional.interpolate(batch, (size, size), mode="bilinear", antialias=True)
    how = VARIATIONS[augment]
    return _relit(_moved(batch, size, how, generator), how, generator)


def _moved(batch: torch.Tensor, size: int, how: Variation, generator: torch.Generator) -> torch.Tensor:
    count = len(batch)
    scale_x, scale_y = _uniform(count, *how.crop, generator), _uniform(count, *how.crop, generator)
    mirror = torch.where(_uniform(count, 0, 1, generator) < 0.5, -1.0, 1.0)
    shift_x = _uniform(count, -1, 1, generator) * (1 - scale_x).abs()
    shift_y = _uniform(count, -1, 1, generator) * (1 - scale_y).abs()
    angle = _uniform(count, -how.turn, how.turn, generator) * math.pi / 180
    across = torch.stack([scale_x * mirror * angle.cos(), -scale_y * angle.sin(), shift_x], 1)
    down = torch.stack([scale_x * mirror * angle.sin(), scale_y * angle.cos(), shift_y], 1)
    grid = functional.affine_grid(torch.stack([across, down], 1), [count, 3, size, size], align_corners=False)
    return functional.grid_sample(batch, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _relit(batch: torch.Tensor, how: Variation, generator: torch.Generator) -> torch.Tensor:
    gain, contrast, colour = (
        _uniform(len(batch), *span, generator).view(-1, 1, 1, 1) for span in (how.gain, how.contrast, how.colour)
    )
    grey = batch.mean(1, keepdim=True)
    mean = grey.mean((1, 2, 3), keepdim=True)
    coloured = grey + (batch - grey) * colour
    return ((coloured - mean) * contrast + mean).mul_(gain).clamp_(0, 1)


def mixed(
    batch: torch.Tensor, targets: torch.Tensor, alpha: float, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Each picture, and its target, blended with another one's (mixup; Zhang et al., 2018, arXiv:1710.09412)."""
    if not alpha:
        return batch, targets
    share = _beta(alpha, len(batch), generator)
    share = torch.maximum(share, 1 - share)  # the own picture weighs more, so that no pair is learnt twice
    other = torch.randperm(len(batch), generator=generator)
    kept = share.view(-1, 1, 1, 1)
    return batch * kept + batch[other] * (1 - kept), targets * share[:, None] + targets[other] * (1 - share[:, None])


def _beta(alpha: float, count: int, generator: torch.Generator) -> torch.Tensor:
    """`count` draws of Beta(alpha, alpha)."""
    gammas = torch._standard_gamma(torch.full((2, count), alpha), generator=generator)
    return gammas[0] / gammas.sum(0).clamp_min(1e-12)


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> torch.Tensor:
    return torch.empty(count).uniform_(low, high, generator=generator)
