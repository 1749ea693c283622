"""Images as batches: decoded once and kept on disk, augmented, blended (mixup), normalised.

No augmentation hides an item: nothing is erased or painted over, because an image with a hidden item has a wrong label.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from binmodel.images import decode
from binmodel.preprocess import MEAN, STD, Pixels, squash
from torch.nn import functional

from binlab.data.dataset import LabelledImage

Indices = npt.NDArray[np.int64]
Progress = Callable[[Iterable[LabelledImage]], Iterable[LabelledImage]]


def cached_pixels(images: Sequence[LabelledImage], size: int, cache: Path, progress: Progress = iter) -> Pixels:
    """The images squashed to `size`, uint8 (N, size, size, 3), memory-mapped from a file in `cache`.

    The file is written on first use. Its name holds a hash of the images' ids and file sizes.
    """
    path = cache / f"{_fingerprint(images)}-{size}.npy"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        # The process id: several processes may decode the same images at once, and each renames a complete file.
        unfinished = path.with_suffix(f".{os.getpid()}.part")
        pixels = np.lib.format.open_memmap(unfinished, "w+", np.uint8, (len(images), size, size, 3))
        for index, image in enumerate(progress(images)):
            pixels[index] = squash(decode(image.path.read_bytes(), side=size), size)
        pixels.flush()
        unfinished.rename(path)
    return np.asarray(np.load(path, mmap_mode="r"))


def _fingerprint(images: Sequence[LabelledImage]) -> str:
    digest = hashlib.sha256()
    for image in images:
        digest.update(f"{image.id}:{image.path.stat().st_size};".encode())
    return digest.hexdigest()[:16]


def batches(indices: Indices, size: int) -> Iterator[Indices]:
    for start in range(0, len(indices), size):
        yield indices[start : start + size]


def to_batch(pixels: Pixels) -> torch.Tensor:
    """uint8 (N, S, S, 3) to float32 (N, 3, S, S) in 0..1."""
    # permute changes strides, not memory: the batch stays channels last, which is the fast layout for convolutions.
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float().div_(255)


def normalised(batch: torch.Tensor) -> torch.Tensor:
    """`binmodel.preprocess.normalise` for a tensor in 0..1. A test checks that the two agree."""
    return (batch - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


@dataclass(frozen=True)
class Strength:
    """Ranges of augmentation: `turn` in degrees each way, all others as factors from..to."""

    crop: tuple[float, float]
    turn: float
    gain: tuple[float, float]
    contrast: tuple[float, float]
    colour: tuple[float, float]


STRENGTHS = {
    "light": Strength((0.80, 1.0), 0.0, (0.75, 1.25), (0.8, 1.2), (1.0, 1.0)),
    "strong": Strength((0.75, 1.05), 8.0, (0.6, 1.4), (0.6, 1.4), (0.0, 1.6)),
}


def augment(batch: torch.Tensor, size: int, strength: str, generator: torch.Generator) -> torch.Tensor:
    """(N, 3, C, C) in 0..1 to (N, 3, size, size), each image augmented independently. Strength `none` only resizes."""
    if strength == "none":
        return functional.interpolate(batch, (size, size), mode="bilinear", antialias=True)
    how = STRENGTHS[strength]
    return _relight(_move(batch, size, how, generator), how, generator)


def _move(batch: torch.Tensor, size: int, how: Strength, generator: torch.Generator) -> torch.Tensor:
    """Crop, mirror and turn in one resampling: three in a row would blur three times."""
    count = len(batch)
    scale_x, scale_y = _uniform(count, *how.crop, generator), _uniform(count, *how.crop, generator)
    mirror = torch.where(_uniform(count, 0, 1, generator) < 0.5, -1.0, 1.0)
    # A crop of scale s can move by 1 - s of half the width each way and stay inside the image.
    shift_x = _uniform(count, -1, 1, generator) * (1 - scale_x).abs()
    shift_y = _uniform(count, -1, 1, generator) * (1 - scale_y).abs()
    angle = _uniform(count, -how.turn, how.turn, generator) * math.pi / 180
    across = torch.stack([scale_x * mirror * angle.cos(), -scale_y * angle.sin(), shift_x], 1)
    down = torch.stack([scale_x * mirror * angle.sin(), scale_y * angle.cos(), shift_y], 1)
    grid = functional.affine_grid(torch.stack([across, down], 1), [count, 3, size, size], align_corners=False)
    return functional.grid_sample(batch, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _relight(batch: torch.Tensor, how: Strength, generator: torch.Generator) -> torch.Tensor:
    gain, contrast, colour = (
        _uniform(len(batch), *limits, generator).view(-1, 1, 1, 1) for limits in (how.gain, how.contrast, how.colour)
    )
    grey = batch.mean(1, keepdim=True)
    mean = grey.mean((1, 2, 3), keepdim=True)
    coloured = grey + (batch - grey) * colour
    return ((coloured - mean) * contrast + mean).mul_(gain).clamp_(0, 1)


def mixup(
    batch: torch.Tensor, targets: torch.Tensor, alpha: float, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Blend each image and its target with another one's (Zhang et al., 2018, arXiv:1710.09412)."""
    if not alpha:
        return batch, targets
    share = _beta(alpha, len(batch), generator)
    share = torch.maximum(share, 1 - share)  # the own image dominates, so that no pair occurs twice in a batch
    other = torch.randperm(len(batch), generator=generator)
    kept = share.view(-1, 1, 1, 1)
    return batch * kept + batch[other] * (1 - kept), targets * share[:, None] + targets[other] * (1 - share[:, None])


def _beta(alpha: float, count: int, generator: torch.Generator) -> torch.Tensor:
    """`count` samples of Beta(alpha, alpha), as a ratio of gammas: torch's own Beta takes no generator."""
    gammas = torch._standard_gamma(torch.full((2, count), alpha), generator=generator)
    return gammas[0] / gammas.sum(0).clamp_min(1e-12)  # for a small alpha both gammas may underflow to 0


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> torch.Tensor:
    return torch.empty(count).uniform_(low, high, generator=generator)
