"""Quality of an image: size, sharpness, lightness, and whether it can be opened at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from binmodel.images import ImageError, decode
from PIL import Image

from binlab.data.perceptual_hash import difference_hash, perceptual_hash
from binlab.data.preparing import upright_size

SIDE = 224  # pixels: sharpness and lightness depend on the size, so all images are measured at one
BLURRED, DARK = 30.0, 85.0  # 5.5% and 3.6% of the Amazon Bin Image Dataset are below


@dataclass(frozen=True)
class Measured:
    """One file: size in bytes and in upright pixels. `problem` says why it cannot be opened; the rest is then 0.

    `sharpness` is the variance of the Laplacian of the grey image (Pech-Pacheco et al., 2000,
    doi:10.1109/ICPR.2000.903548), `lightness` the mean of its grey levels, 0 to 255; both at 224 x 224 pixels.
    """

    id: str
    path: Path
    size: int
    width: int = 0
    height: int = 0
    sharpness: float = 0.0
    lightness: float = 0.0
    hashes: tuple[str, int] | None = None
    problem: str | None = None


def measure(path: Path) -> Measured:
    data = path.read_bytes()
    try:
        image = decode(data, side=SIDE)
    except ImageError as error:
        return Measured(path.stem, path, len(data), problem=f"{error.code}: {error.message}")
    grey = np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR), dtype=np.float32)
    width, height = upright_size(path)
    return Measured(
        id=path.stem,
        path=path,
        size=len(data),
        width=width,
        height=height,
        sharpness=sharpness(grey),
        lightness=float(grey.mean()),
        hashes=(difference_hash(data), perceptual_hash(image)),
    )


def sharpness(grey: npt.NDArray[np.float32]) -> float:
    """The variance of the discrete Laplacian of a grey image (H, W), without its border."""
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4 * grey[1:-1, 1:-1]).var())
