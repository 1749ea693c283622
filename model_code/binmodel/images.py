"""Decodes untrusted bytes to an upright RGB image, or raises an `ImageError` with the reason.

The format and the limits are checked in the header before any pixel is decoded, because a small file can claim an image
of gigabytes (https://pillow.readthedocs.io/en/stable/reference/Image.html#PIL.Image.open, MAX_IMAGE_PIXELS).
"""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
import simplejpeg
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from binmodel.formats import JPEG_START, PNG_START, strip_jpeg, strip_png

LARGE = 2_500_000  # pixels; decoding takes up to 16 bytes for each
# Warnings of libjpeg, which Pillow hides, when a scan's data is missing or invalid and it fills in grey pixels.
_FILLED_IN = ("premature end", "bad huffman code", "instead of rst")
_DAMAGED = "The photo is damaged or incomplete. Upload it again, or take a new one."
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Limits:
    """The limits of an image: bytes of the file, total pixels, and pixels on each side."""

    max_bytes: int = 20 * 1024 * 1024
    max_pixels: int = 50_000_000
    max_side: int = 20_000
    min_side: int = 16


class ImageError(Exception):
    """An image that cannot be counted. `code` is stable and for programs, `message` is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def decode(data: bytes, *, side: int, limits: Limits | None = None) -> Image.Image:
    """The image in `data` as upright 8-bit RGB, possibly reduced, but not below `side` pixels in either direction.

    Raises only ImageError, whatever the bytes: `empty_file`, `too_many_bytes`, `unsupported_format`, `too_many_pixels`,
    `too_small` or `corrupt_image`, or `internal` if memory runs out.
    """
    limits = limits or Limits()
    if not data:
        raise ImageError("empty_file", "The file is empty (0 bytes).")
    check_bytes(len(data), limits)
    if not data.startswith((JPEG_START, PNG_START)):
        raise ImageError("unsupported_format", f"Only JPEG and PNG photos can be counted. This is {_kind(data)}.")
    try:
        image, orientation = _open(data)
        _check_size(image.width, image.height, limits)
        pixels = image.width * image.height
        image.draft("RGB", (side, side))  # JPEG only: decodes at 1/2, 1/4 or 1/8, never below (side, side)
        if "progressive" not in image.info:  # a progressive JPEG is held in full size at any scale
            pixels = image.width * image.height
        rgb = _one_at_a_time().submit(_reduced, image, side).result() if pixels > LARGE else _pixels(image)
        return rgb.transpose(_TRANSPOSITIONS[orientation]) if orientation in _TRANSPOSITIONS else rgb
    except ImageError:
        raise
    except MemoryError as error:
        raise out_of_memory() from error
    except Exception as error:  # Pillow's decoders raise all kinds of errors for damaged files
        if "out of memory" in str(error):
            raise out_of_memory() from error
        raise ImageError("corrupt_image", _DAMAGED) from error


def out_of_memory() -> ImageError:
    """An error that is not the image's fault, so that the image is retried."""
    return ImageError("internal", "The model server ran out of memory for this photo, which will be retried.")


def check_bytes(size: int, limits: Limits) -> None:
    """Raises ImageError `too_many_bytes` if a file of this size is too large."""
    if size > limits.max_bytes:
        raise ImageError("too_many_bytes", f"The file has {size:,} bytes. The limit is {limits.max_bytes:,}.")


def _open(data: bytes) -> tuple[ImageFile, int]:
    # Not Image.open, which has its own limits and treats files with several frames as other formats.
    if data.startswith(PNG_START):
        stripped, orientation = strip_png(data)
        return PngImageFile(io.BytesIO(stripped)), orientation
    stripped, orientation = strip_jpeg(data)
    return JpegImageFile(io.BytesIO(stripped)), orientation


def _kind(data: bytes) -> str:
    if data[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif"):
        return "a HEIC or AVIF image (set the phone's camera to JPEG, on an iPhone to 'Most Compatible')"
    if data[8:12] == b"WEBP":
        return "a WebP image"
    starts = {
        b"GIF8": "a GIF",
        b"BM": "a BMP",
        b"II*\0": "a TIFF or raw image",
        b"MM\0*": "a TIFF or raw image",
        b"%PDF": "a PDF",
        b"<svg": "an SVG drawing",
        b"PK": "a ZIP archive",
    }
    return next((name for start, name in starts.items() if data.startswith(start)), "not an image")


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.max_pixels:
        message = f"The photo has {width:,} x {height:,} pixels. The limit is {limits.max_pixels:,} in total."
        raise ImageError("too_many_pixels", message)
    if max(width, height) > limits.max_side:
        message = f"The photo has {width:,} x {height:,} pixels. The limit is {limits.max_side:,} on each side."
        raise ImageError("too_many_pixels", message)
    if min(width, height) < limits.min_side:
        message = f"The photo has {width} x {height} pixels. Each side needs at least {limits.min_side}."
        raise ImageError("too_small", message)


@cache
def _one_at_a_time() -> ThreadPoolExecutor:
    """The one thread that decodes large images: the C library keeps freed memory for each thread."""
    return ThreadPoolExecutor(1, "large-image")


def _reduced(image: ImageFile, side: int) -> Image.Image:
    """The image, reduced by a separate factor in each direction, so that long and thin images are reduced too."""
    factors = (max(1, image.width // (2 * side)), max(1, image.height // (2 * side)))
    if image.mode in ("RGBA", "LA") or (image.mode in ("RGB", "L") and not image.has_transparency_data):
        return _to_rgb(_decoded(image).reduce(factors))  # without a second copy of the whole image
    return _pixels(image).reduce(factors)


def _pixels(image: ImageFile) -> Image.Image:
    return _to_rgb(_decoded(image))


def _decoded(image: ImageFile) -> Image.Image:
    """A JPEG decoded by simplejpeg to the same pixels as by Pillow. Other images are returned unchanged.

    Raises ValueError if libjpeg fills missing data with grey, because Pillow hides that warning. Everything else that
    simplejpeg cannot do is left to Pillow.
    """
    if not isinstance(image, JpegImageFile) or not isinstance(image.fp, io.BytesIO):
        return image
    data = image.fp.getvalue()
    try:
        if image.mode == "CMYK":  # Pillow converts it; this finds missing data at an eighth of the size
            simplejpeg.decode_jpeg(data, "CMYK", min_height=1, min_width=1)
            return image
        pixels = simplejpeg.decode_jpeg(data, "RGB", min_height=image.height, min_width=image.width)
        return Image.fromarray(pixels) if pixels.shape[1::-1] == image.size else image
    except ValueError as error:
        if any(words in str(error).lower() for words in _FILLED_IN):
            raise
        return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey, which convert("RGB") would clip, not scale
        image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")
