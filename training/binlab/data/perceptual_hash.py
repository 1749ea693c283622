"""Perceptual hashes: 64 bits that another compression or size hardly changes, and which images are near duplicates."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from binmodel.images import ImageError, decode
from PIL import Image

BITS = 64
Hashes = npt.NDArray[np.uint64]


def difference_hash(data: bytes) -> str:
    """64 bits as hex, each whether a pixel of the 9 x 8 grey thumbnail is darker than its right neighbour.

    Raises binmodel.images.ImageError.
    """
    grey = np.asarray(decode(data, side=32).convert("L").resize((9, 8)))
    return np.packbits(grey[:, :-1] < grey[:, 1:]).tobytes().hex()


def difference_hash_or_none(path: Path) -> str | None:
    """None if the file cannot be decoded."""
    try:
        return difference_hash(path.read_bytes())
    except ImageError:
        return None


def perceptual_hash(image: Image.Image) -> int:
    """ImageHash's pHash: the signs of the 64 lowest frequencies of a 32 x 32 grey thumbnail, against their median."""
    import imagehash  # here, because it imports SciPy, and splitting needs only the difference hash

    return int(str(imagehash.phash(image)), 16)


def near_pairs(hashes: Hashes, distance: int) -> Iterator[tuple[int, int, int]]:
    """Each pair (i, j, differing bits) with i < j and at most `distance` differing bits, ordered.

    Two hashes that differ in at most `distance` bits agree in at least one of `distance` + 1 bands of bits, so only
    hashes that share a band are compared: half a million take minutes instead of days.
    """
    found: set[tuple[int, int, int]] = set()
    edges = np.linspace(0, BITS, distance + 2).astype(np.uint64)
    for low, high in pairwise(edges):
        band = hashes << (np.uint64(BITS) - high) >> (np.uint64(BITS) - high + low)
        order = np.argsort(band, kind="stable")
        starts = np.flatnonzero(np.diff(band[order])) + 1
        for bucket in np.split(order, starts):
            found.update(_near(hashes, bucket, distance))
    yield from sorted(found)


def _near(hashes: Hashes, bucket: npt.NDArray[np.int64], distance: int) -> Iterator[tuple[int, int, int]]:
    for place, one in enumerate(bucket[:-1]):
        others = bucket[place + 1 :]
        apart = np.bitwise_count(hashes[others] ^ hashes[one])
        for other, bits in zip(others[apart <= distance], apart[apart <= distance], strict=True):
            yield min(int(one), int(other)), max(int(one), int(other)), int(bits)
