"""A photograph at the size that training needs, made when it is not there yet or its original changed."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

from binmodel.images import decode
from PIL import ExifTags, Image

from binlab.data.files import write_whole

FULL = 1 << 20  # more pixels a side than any photograph has, so that it is decoded as it is
QUALITY = 92


@dataclass(frozen=True)
class Prepared:
    """What is in the folder now; `written` is False where it was there already. Width and height in upright pixels."""

    sha256: str
    width: int
    height: int
    written: bool


def fitted(width: int, height: int, side: int) -> tuple[int, int]:
    """The size with a shorter side of at most `side`, the aspect ratio kept to a pixel."""
    scale = min(1.0, side / min(width, height))
    return round(width * scale), round(height * scale)


def resized(data: bytes, side: int) -> bytes:
    """The photograph with a shorter side of `side` pixels as JPEG, upright; the same bytes where it is not larger.

    Raises binmodel.images.ImageError.
    """
    image = decode(data, side=FULL)
    size = fitted(*image.size, side)
    if size == image.size:
        return data
    out = io.BytesIO()
    image.resize(size, Image.Resampling.LANCZOS).save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def prepare_photo(source: Path, target: Path, side: int) -> Prepared:
    """Put `source` into `target`, unless that is there with the right size and the source's time of change."""
    written = not _is_there(source, target, side)
    if written:
        write_whole(target, resized(source.read_bytes(), side), source.stat().st_mtime_ns)
    return Prepared(hashlib.sha256(target.read_bytes()).hexdigest(), *upright_size(target), written)


def _is_there(source: Path, target: Path, side: int) -> bool:
    if not target.exists() or target.stat().st_mtime_ns != source.stat().st_mtime_ns:
        return False
    return upright_size(target) == fitted(*upright_size(source), side)


def upright_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels, read from the header of a picture that was decoded before."""
    with Image.open(path) as image:
        width, height = image.size
        on_its_side = image.getexif().get(ExifTags.Base.Orientation, 1) >= 5
    return (height, width) if on_its_side else (width, height)
