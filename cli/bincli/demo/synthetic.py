"""Drawn bins with one to five boxes, for a demo without photos.

The model was trained on photos. Its counts of drawings show that the system works, and nothing more.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 500, 424  # like the dataset's photos
FLOOR = HEIGHT - 60
CARDBOARD = ("#B08556", "#8F6B45", "#C9A577", "#3F6A8A", "#A8433B", "#D8D4C8", "#4F6B4A")


def draw_bins(folder: Path, number: int, *, seed: int = 20) -> dict[Path, int]:
    """Draw `number` bins as JPEG into `folder`; returns the boxes in each, 1 to 5 in turn. Equal for equal seeds."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = {folder / f"drawn-{place + 1:03}.jpg": place % 5 + 1 for place in range(number)}
    for place, (path, boxes) in enumerate(labels.items()):
        draw_bin(boxes, np.random.default_rng([seed, place])).save(path, quality=85)
    return labels


def draw_bin(boxes: int, random: np.random.Generator) -> Image.Image:
    """One bin with `boxes` boxes side by side, RGB, 500 x 424 pixels."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "#6E6342")
    draw = ImageDraw.Draw(image)
    draw.polygon([(0, FLOOR), (WIDTH, FLOOR), (WIDTH, HEIGHT), (0, HEIGHT)], fill="#C9AA4A")
    slot = (WIDTH - 40) // boxes
    for place in range(boxes):
        _draw_box(draw, 20 + place * slot, slot, random)
    _draw_bands(draw, random)
    return _with_noise(image, random)


def _draw_box(draw: ImageDraw.ImageDraw, left: int, slot: int, random: np.random.Generator) -> None:
    width = int(min(slot * random.uniform(0.65, 0.92), 240))
    height = int(random.uniform(80, 250))
    x = left + int(random.uniform(0, slot - width))
    bottom = FLOOR + int(random.uniform(5, 40))
    front = str(random.choice(CARDBOARD))
    draw.rectangle((x, bottom - height, x + width, bottom), fill=front, outline="#2B241B", width=2)
    lid = int(random.uniform(12, 30))
    top, right = bottom - height, x + width
    draw.polygon(
        [(x, top), (right, top), (right - lid, top - lid), (x + lid, top - lid)], fill="#D9C3A0", outline="#2B241B"
    )
    tape = x + width // 2
    draw.rectangle((tape - 5, bottom - height, tape + 5, bottom), fill="#E4D6B8")


def _draw_bands(draw: ImageDraw.ImageDraw, random: np.random.Generator) -> None:
    """The elastic bands that hold back the contents of a real bin."""
    for y in random.integers(60, FLOOR, size=6):
        draw.line((0, int(y), WIDTH, int(y + random.integers(-12, 12))), fill="#A9A48F", width=2)


def _with_noise(image: Image.Image, random: np.random.Generator) -> Image.Image:
    noise = random.normal(0, 9, (HEIGHT, WIDTH, 3))
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(1)), dtype=np.float64) * random.uniform(0.7, 1.05)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))
