"""From untrusted bytes to an upright RGB picture, or an `ImageError` that says why not.

Formats and limits are checked on the header before a pixel is decoded, because a small file can claim a picture of
gigabytes (https://pillow.readthedocs.io/en/stable/reference/Image.html#PIL.Image.open, MAX_IMAGE_PIXELS).
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

from binmodel.formats import JPEG_START, PNG_START, bare_jpeg, bare_png

LARGE = 2_500_000  # pixels; a picture takes up to 16 bytes for each while it is decoded
# What libjpeg says, and Pillow hides, where it makes pixels up: the data of a scan ended too early, or is none.
_MADE_UP = ("premature end", "bad huffman code", "instead of rst")
_DAMAGED = "The photograph is damaged or not complete. Upload it again, or take it again."
_UPRIGHT = {
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
    """What an image may cost: `max_bytes` of file, `max_pixels` in all, and `min_side` to `max_side` pixels a side."""

    max_bytes: int = 20 * 1024 * 1024
    max_pixels: int = 50_000_000
    max_side: int = 20_000
    min_side: int = 16


class ImageError(Exception):
    """An image that can't be counted. `code` is stable and for programs, the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def decode(data: bytes, *, side: int, limits: Limits | None = None) -> Image.Image:
    """The picture in `data` as upright 8-bit RGB, at least `side` pixels each way where the original is.

    Raises ImageError with code `empty_file`, `too_many_bytes`, `unsupported_format`, `too_many_pixels`,
    `too_small` or `corrupt_image`, or `internal` where memory ran out, and nothing else, whatever the bytes.
    """
    limits = limits or Limits()
    if not data:
        raise ImageError("empty_file", "The file is empty (0 bytes).")
    check_bytes(len(data), limits)
    if not data.startswith((JPEG_START, PNG_START)):
        raise ImageError("unsupported_format", f"Only JPEG and PNG photographs are counted; this is {_kind(data)}.")
    try:
        image, orientation = _open(data)
        _check_size(image.width, image.height, limits)
        pixels = image.width * image.height
        image.draft("RGB", (side, side))  # JPEG only: decodes at 1/2, 1/4 or 1/8, never below (side, side)
        if "progressive" not in image.info:  # of a progressive JPEG all is held, at whatever fraction it is decoded
            pixels = image.width * image.height
        rgb = _one_at_a_time().submit(_reduced, image, side).result() if pixels > LARGE else _pixels(image)
        return rgb.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else rgb
    except ImageError:
        raise
    except MemoryError as error:
        raise out_of_memory() from error
    except Exception as error:  # Pillow's decoders raise whatever a damaged file makes them trip over
        if "out of memory" in str(error):
            raise out_of_memory() from error
        raise ImageError("corrupt_image", _DAMAGED) from error


def out_of_memory() -> ImageError:
    """Not the image's fault: it is tried again."""
    return ImageError("internal", "The model server ran out of memory at this photo. It is tried again.")


def check_bytes(size: int, limits: Limits) -> None:
    """Raises ImageError `too_many_bytes` for a file of more than `limits.max_bytes`."""
    if size > limits.max_bytes:
        raise ImageError("too_many_bytes", f"The file has {size:,} bytes; at most {limits.max_bytes:,} are taken.")


def _open(data: bytes) -> tuple[ImageFile, int]:
    # Not Image.open: it warns of large pictures on its own terms, and takes one with several frames for another format.
    if data.startswith(PNG_START):
        bare, orientation = bare_png(data)
        return PngImageFile(io.BytesIO(bare)), orientation
    bare, orientation = bare_jpeg(data)
    return JpegImageFile(io.BytesIO(bare)), orientation


def _kind(data: bytes) -> str:
    if data[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif"):
        return "a HEIC or AVIF picture (set the telephone's camera to JPEG, on an iPhone 'Most Compatible')"
    if data[8:12] == b"WEBP":
        return "a WebP picture"
    starts = {
        b"GIF8": "a GIF",
        b"BM": "a BMP",
        b"II*\0": "a TIFF or raw picture",
        b"MM\0*": "a TIFF or raw picture",
        b"%PDF": "a PDF",
        b"<svg": "an SVG drawing",
        b"PK": "a ZIP archive",
    }
    return next((name for start, name in starts.items() if data.startswith(start)), "not a picture")


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.max_pixels:
        message = f"The picture is {width:,} x {height:,} pixels; at most {limits.max_pixels:,} in all are taken."
        raise ImageError("too_many_pixels", message)
    if max(width, height) > limits.max_side:
        message = f"The picture is {width:,} x {height:,} pixels; at most {limits.max_side:,} a side are taken."
        raise ImageError("too_many_pixels", message)
    if min(width, height) < limits.min_side:
        message = f"The picture is {width} x {height} pixels; each side needs at least {limits.min_side}."
        raise ImageError("too_small", message)


@cache
def _one_at_a_time() -> ThreadPoolExecutor:
    """Where large pictures are decoded, whoever asks: one thread, because the C library keeps freed memory for each."""
    return ThreadPoolExecutor(1, "large-picture")


def _reduced(image: ImageFile, side: int) -> Image.Image:
    """Each way by a factor of its own, because a long and thin picture is large too."""
    factors = (max(1, image.width // (2 * side)), max(1, image.height // (2 * side)))
    if image.mode in ("RGBA", "LA") or (image.mode in ("RGB", "L") and not image.has_transparency_data):
        return _to_rgb(_decoded(image).reduce(factors))  # no second copy of the whole picture
    return _pixels(image).reduce(factors)


def _pixels(image: ImageFile) -> Image.Image:
    return _to_rgb(_decoded(image))


def _decoded(image: ImageFile) -> Image.Image:
    """A JPEG with the pixels that Pillow would give, decoded by what says more; anything else as it is.

    Raises ValueError where libjpeg would fill up a scan with grey: it warns, and Pillow hides that. What simplejpeg
    can't do, or what else is wrong, is left to Pillow.
    """
    if not isinstance(image, JpegImageFile) or not isinstance(image.fp, io.BytesIO):
        return image
    data = image.fp.getvalue()
    try:
        if image.mode == "CMYK":  # to RGB in Pillow's own way; here an eighth of the size, to find what is missing
            simplejpeg.decode_jpeg(data, "CMYK", min_height=1, min_width=1)
            return image
        pixels = simplejpeg.decode_jpeg(data, "RGB", min_height=image.height, min_width=image.width)
        return Image.fromarray(pixels) if pixels.shape[1::-1] == image.size else image
    except ValueError as error:
        if any(words in str(error).lower() for words in _MADE_UP):
            raise
        return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey, which convert("RGB") would clip, not scale
        image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")
