"""From an image to the network's input. Training, evaluation and serving all call these two functions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

MEAN = (0.485, 0.456, 0.406)  # of ImageNet, on which the initial weights were trained
STD = (0.229, 0.224, 0.225)

Pixels = npt.NDArray[np.uint8]
Batch = npt.NDArray[np.float32]


def squash(image: Image.Image, size: int) -> Pixels:
    """The RGB image resized to a square without keeping its aspect ratio: uint8 (size, size, 3).

    Part of the dataset exists only in this form, and the whole front of the bin stays visible.
    """
    resized = image.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(resized, dtype=np.uint8)


def normalise(pixels: Pixels, mean: tuple[float, ...] = MEAN, std: tuple[float, ...] = STD) -> Batch:
    """Maps uint8 (N, S, S, 3) to float32 (N, 3, S, S): (x / 255 - mean) / std for each channel."""
    scale = np.float32(1.0) / (np.float32(255.0) * np.asarray(std, dtype=np.float32))
    shift = np.asarray(mean, dtype=np.float32) / np.asarray(std, dtype=np.float32)
    return np.ascontiguousarray((pixels * scale - shift).transpose(0, 3, 1, 2), dtype=np.float32)
