"""How a photograph came out: its size, how sharp and how light it is, and whether it can be opened at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from binmodel.images import ImageError, decode
from PIL import Image

from binlab.data.looks import difference_hash_of, perceptual_hash
from binlab.data.resizing import upright_size

SIDE = 224  # pixels; both figures depend on the size, so all photographs are brought to one
BLURRED, DARK = 30.0, 85.0  # of the Amazon Bin Image Dataset 5.5% and 3.6% are below


@dataclass(frozen=True)
class Measured:
    """One file. Size in bytes and upright pixels; `problem` says why it can't be opened, and the rest is then 0.

    `sharpness` is the variance of the Laplacian of the grey picture (Pech-Pacheco et al., 2000,
    doi:10.1109/ICPR.2000.903548), `lightness` the mean of its grey levels, 0 to 255; both at 224 x 224 pixels.
    """

    id: str
    path: Path
    size: int
    width: int = 0
    height: int = 0
    sharpness: float = 0.0
    lightness: float = 0.0
    look: tuple[str, int] | None = None
    problem: str | None = None


def measure(path: Path) -> Measured:
    data = path.read_bytes()
    try:
        picture = decode(data, side=SIDE)
    except ImageError as error:
        return Measured(path.stem, path, len(data), problem=f"{error.code}: {error.message}")
    grey = np.asarray(picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR), dtype=np.float32)
    width, height = upright_size(path)
    return Measured(
        id=path.stem,
        path=path,
        size=len(data),
        width=width,
        height=height,
        sharpness=sharpness(grey),
        lightness=float(grey.mean()),
        look=(difference_hash_of(data), perceptual_hash(picture)),
    )


def sharpness(grey: npt.NDArray[np.float32]) -> float:
    """The variance of the discrete Laplacian of a grey picture (H, W), its border left out."""
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4 * grey[1:-1, 1:-1]).var())
