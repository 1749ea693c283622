"""Photographs decoded once, and kept as one array on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from binmodel.images import decode
from binmodel.preprocess import MEAN, STD, Pixels, squash

from binlab.data.dataset import Photo

Progress = Callable[[Iterable[Photo]], Iterable[Photo]]


def cached_pixels(photos: Sequence[Photo], size: int, cache: Path, progress: Progress = iter) -> Pixels:
    """The photographs squashed to `size`, uint8 (N, size, size, 3), mapped from a file in `cache` made on first use."""
    path = cache / f"{_fingerprint(photos)}-{size}.npy"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.part")  # several processes may learn together
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
