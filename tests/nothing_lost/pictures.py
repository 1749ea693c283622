"""Files that a camera, a careless person or an attacker may upload, each with what becomes of it."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from random import Random

from PIL import Image

from tests.unit.model_code.sample_images import grey_image, jpeg, noise, png

CUTS = 20
Poison = tuple[str, bytes, str]  # name, bytes, and the refusal's code or "" where it is counted


def poisons(chance: Random) -> list[Poison]:
    """All of them; those that are counted show three items."""
    return [*_cut(chance), *_no_pictures(), *_bombs(), *_odd(), *_rotated()]


def _cut(chance: Random) -> Iterator[Poison]:
    for name, whole in (("cut.jpg", jpeg(noise((120, 90)))), ("cut.png", png(noise((120, 90))))):
        for number in range(CUTS):
            yield f"{number}-{name}", whole[: chance.randrange(9, len(whole) - 12)], "corrupt_image"


def _no_pictures() -> Iterator[Poison]:
    yield "empty.jpg", b"", "empty_file"
    for name, data in {
        "text.jpg": b"Three items, I think.\n",
        "page.jpeg": b"<!doctype html><script>alert(1)</script>",
        "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
        "moving.gif": b"GIF89a" + b"\0" * 40,
        "polyglot.jpg": b"GIF89a" + jpeg(grey_image(3)),
        "archive.JPG": b"PK\3\4" + b"\0" * 100,
        "paper.jpg": b"%PDF-1.7" + b"\0" * 100,
        "program.jpg": b"MZ" + b"\0" * 100,
        "script.jpg": b"#!/bin/sh\nreboot\n",
        "telephone.heic": b"\0\0\0\x18ftypheic\0\0\0\0",
        "web.webp": b"RIFF\x10\0\0\0WEBPVP8 ",
        "raw.tiff": b"II*\0" + b"\0" * 100,
        "zeros.jpg": b"\0" * 10_000,
    }.items():
        yield name, data, "unsupported_format"
    yield "start-only.jpg", b"\xff\xd8\xff", "corrupt_image"
    yield "start-only.png", b"\x89PNG\r\n\x1a\n", "corrupt_image"


def _bombs() -> Iterator[Poison]:
    yield "bomb.png", _png_claiming(50_000, 50_000), "too_many_pixels"
    yield "wide-bomb.png", _png_claiming(2**31 - 1, 1), "too_many_pixels"
    yield "bomb.jpg", _jpeg_claiming(60_000, 60_000), "too_many_pixels"
    yield "deep.png", _png_claiming(6_000, 6_000, b"\0" * 40_000_000), "corrupt_image"
    yield "large.bin.jpg", b"\xff\xd8\xff" + b"\0" * (21 * 1024 * 1024), "too_many_bytes"
    yield "dot.png", png(grey_image(3, (1, 1))), "too_small"
    yield "line.png", png(grey_image(3, (500, 15))), "too_small"


def _odd() -> Iterator[Poison]:
    good = grey_image(3, (64, 48))
    yield "progressive.jpg", jpeg(good, progressive=True), ""
    yield "cmyk.jpg", jpeg(good.convert("CMYK")), ""
    yield "grey.jpeg", jpeg(good.convert("L")), ""
    yield "16-bit.png", png(good.convert("L").convert("I").point(lambda value: value * 257).convert("I;16")), ""
    yield "palette.png", png(good.convert("P")), ""
    yield "animated.png", png(good, save_all=True, append_images=[grey_image(5, (64, 48))]), ""
    yield "bad-profile.jpg", jpeg(good, icc_profile=b"no profile" * 1000), ""
    yield "profile.PNG", png(good, icc_profile=b"no profile"), ""
    yield "much-exif.jpg", jpeg(good, exif=b"Exif\0\0II*\0" + b"\xff" * 60_000), ""
    yield "comment.jpg", jpeg(good, comment=b"${jndi:ldap://x}\n" * 3000), ""
    yield "tail.JPG", jpeg(good) + b"PK\3\4" * 1000, ""
    several = io.BytesIO()
    good.save(several, "MPO", save_all=True, append_images=[grey_image(1)])
    yield "several.jpg", several.getvalue(), ""


def _rotated() -> Iterator[Poison]:
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield f"turned-{orientation}.jpg", jpeg(grey_image(3, (64, 48)), exif=exif.tobytes()), ""


def _png_claiming(width: int, height: int, content: bytes = b"\0" * 1000) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(content)), (b"IEND", b"")]
    made = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


def _jpeg_claiming(width: int, height: int) -> bytes:
    data = bytearray(jpeg(grey_image(3)))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)
