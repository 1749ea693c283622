"""Photographs decoded once, kept as one array on disk, and varied on their way into the network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from binmodel.images import decode
from binmodel.preprocess import MEAN, STD, Pixels, squash
from torch.nn import functional

from binlab.dataset import Photo

Progress = Callable[[Iterable[Photo]], Iterable[Photo]]


def cached_pixels(photos: Sequence[Photo], size: int, cache: Path, progress: Progress = iter) -> Pixels:
    """The photographs squashed to `size`, uint8 (N, size, size, 3), mapped from a file in `cache` made on first use."""
    path = cache / f"{_fingerprint(photos)}-{size}.npy"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        pixels = np.lib.format.open_memmap(unfinished, "w+", np.uint8, (len(photos), size, size, 3))
        for index, photo in enumerate(progress(photos)):
            pixels[index] = squash(decode(photo.path.read_bytes(), side=size), size)
        pixels.flush()
        unfinished.rename(path)
    return np.asarray(np.load(path, mmap_mode="r"))


def _fingerprint(photos: Sequence[Photo]) -> str:
    digest = hashlib.sha256()
    for photo in photos:
        digest.update(f"{photo.id}:{photo.path.stat().st_size};".encode())
    return digest.hexdigest()[:16]


def to_batch(pixels: Pixels) -> torch.Tensor:
    """uint8 (N, S, S, 3) to float32 (N, 3, S, S) in 0..1, channels last in memory."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float().div_(255)


def normalised(batch: torch.Tensor) -> torch.Tensor:
    """What `binmodel.preprocess.normalise` does, for a batch in 0..1 that is a tensor (a test holds them equal)."""
    return (batch - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


def varied(batch: torch.Tensor, size: int, generator: torch.Generator) -> torch.Tensor:
    """The batch (0..1) with each picture cropped a little, mirrored or not, and lighter or darker; then `size` a side.

    Crops keep at least 80% of each side, since what is cut off can't be counted.
    """
    count = len(batch)

    def uniform(low: float, high: float) -> torch.Tensor:
        return torch.empty(count).uniform_(low, high, generator=generator)

    scale_x, scale_y = uniform(0.80, 1.0), uniform(0.80, 1.0)
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    shift_x, shift_y = uniform(-1, 1) * (1 - scale_x), uniform(-1, 1) * (1 - scale_y)
    zero = torch.zeros(count)
    affine = torch.stack(
        [torch.stack([scale_x * mirror, zero, shift_x], 1), torch.stack([zero, scale_y, shift_y], 1)], 1
    )
    grid = functional.affine_grid(affine, [count, 3, size, size], align_corners=False)
    cropped = functional.grid_sample(batch, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    gain, contrast = uniform(0.75, 1.25).view(-1, 1, 1, 1), uniform(0.8, 1.2).view(-1, 1, 1, 1)
    mean = cropped.mean((1, 2, 3), keepdim=True)
    return ((cropped - mean) * contrast + mean).mul_(gain).clamp_(0, 1)
