"""Images and a model for tests. The model counts how light an image is, from 1 (black) to 5 (white)."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from binmodel.artifact import Artifact, Conformal
from binmodel.backends import Logits
from binmodel.images import Limits
from binmodel.predict import Predictor
from binmodel.preprocess import MEAN, STD, Batch
from PIL import Image

SIZE = 32
COUNTS = (1, 2, 3, 4, 5)


def grey_of(count: int) -> int:
    """The shade of grey that the test model counts as `count`."""
    return round((count - 1) * 63.75)


def grey_image(count: int, size: tuple[int, int] = (60, 40)) -> Image.Image:
    return Image.new("RGB", size, (grey_of(count),) * 3)


def noise(size: tuple[int, int], mode: str = "RGB", seed: int = 0) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(values).convert(mode)


def jpeg(image: Image.Image, **options: object) -> bytes:
    return _saved(image, "JPEG", **options)


def png(image: Image.Image, **options: object) -> bytes:
    return _saved(image, "PNG", **options)


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def lightness(batch: Batch) -> Logits:
    """Logits of a normalised batch. A count is more probable the closer the mean lightness is to its shade."""
    light = (batch * np.reshape(STD, (1, 3, 1, 1)) + np.reshape(MEAN, (1, 3, 1, 1))).mean((1, 2, 3))
    shades = np.array([grey_of(count) / 255 for count in COUNTS])
    return (-40 * abs(light[:, None] - shades[None, :])).astype(np.float32)


def out_of_range(batch: Batch) -> Logits:
    """`lightness` with outputs for an empty bin and for more than 5, a fifth as probable as 1 and 5."""
    logits = lightness(batch)
    ends = logits[:, [0, -1]] - np.log(5.0)
    return np.hstack([ends[:, :1], logits, ends[:, 1:]]).astype(np.float32)


def artifact(folder: Path = Path("nowhere")) -> Artifact:
    return Artifact(
        folder=folder, architecture="lightness", classes=COUNTS, outputs=COUNTS, input_size=SIZE, mean=MEAN, std=STD,
        temperature=1.0, version="0123456789ab", weights={}, data={}, metrics={}, licence="none",
    )  # fmt: skip


def light_predictor() -> Predictor:
    return Predictor(artifact(), lightness)


def wide_predictor() -> Predictor:
    """A predictor with outputs out of range and intervals."""
    wide = replace(artifact(), outputs=(0, *COUNTS, 6), conformal=Conformal(0.9, 0.8))
    return Predictor(wide, out_of_range)


class NoMemory(Limits):
    """Limits that run out of memory at the last check before the pixels are decoded."""

    @property
    def min_side(self) -> int:  # type: ignore[override]
        raise MemoryError

    def __init__(self) -> None:
        """Skips the dataclass's own, which cannot set a property."""
