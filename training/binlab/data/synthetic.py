"""Synthetic bins, to try every step without photos: as many dark boxes in a light bin as the record says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw


def draw_bin(count: int, seed: int, side: int = 64) -> Image.Image:
    random = np.random.default_rng(seed)
    image = Image.fromarray(random.integers(170, 255, (side, side, 3), dtype=np.uint8))
    pen = ImageDraw.Draw(image)
    for place in random.permutation(9)[:count]:
        left, top = 4 + 20 * int(place % 3), 4 + 20 * int(place // 3)
        pen.rectangle([left, top, left + 14, top + 14], fill=tuple(int(c) for c in random.integers(0, 120, 3)))
    return image


def write_bin(
    root: Path, number: int, count: int | None, contents: dict[str, int] | None = None, seed: int | None = None
) -> None:
    """Write one image, and its record unless `count` is None. Images with the same `seed` and count are equal.

    An item has one litre.
    """
    for folder in ("bin-images", "metadata"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    image = draw_bin(1 if count is None else count, number if seed is None else seed)
    image.save(root / "bin-images" / f"{number:05}.jpg", quality=90)
    if count is not None:
        sides = {name: {"unit": "CM", "value": 10} for name in ("length", "width", "height")}
        named = (contents or {f"A{number}": count}).items()
        items = {asin: {"quantity": quantity, **sides} for asin, quantity in named}
        record = {"EXPECTED_QUANTITY": count, "BIN_FCSKU_DATA": items}
        (root / "metadata" / f"{number:05}.json").write_text(json.dumps(record))


def write_bins(root: Path, number: int) -> None:
    """Write `number` bins with 1 to 5 items under `root`, in the layout of the dataset."""
    for place in range(number):
        write_bin(root, 10 * place, 1 + place % 5, seed=place)  # ids 10 apart: neighbours would share a split
