"""How a photograph looks, as 64 bits that another compression or size hardly changes, and which ones look alike."""

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


def difference_hash(path: Path) -> str:
    """64 bits, each whether a pixel of the 9 x 8 grey thumbnail is darker than its right neighbour, as hex."""
    return difference_hash_of(path.read_bytes())


def difference_hash_of(data: bytes) -> str:
    grey = np.asarray(decode(data, side=32).convert("L").resize((9, 8)))
    return np.packbits(grey[:, :-1] < grey[:, 1:]).tobytes().hex()


def look_of(path: Path) -> str | None:
    """The difference hash, None for what is no photograph."""
    try:
        return difference_hash(path)
    except ImageError:
        return None


def perceptual_hash(image: Image.Image) -> int:
    """ImageHash's pHash: 64 signs of the lowest frequencies of a 32 x 32 grey thumbnail against their median."""
    import imagehash  # here, because it brings SciPy, and splitting needs the difference hash only

    return int(str(imagehash.phash(image)), 16)


def pairs_alike(hashes: Hashes, distance: int) -> Iterator[tuple[int, int, int]]:
    """Each pair (i, j, bits that differ) with i < j of which at most `distance` bits differ, ordered.

    Two hashes that differ in at most `distance` bits are equal in one of `distance` + 1 bands of bits, so only hashes
    that share a band are compared: half a million are done in minutes.
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
