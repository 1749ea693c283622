import io
import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from binmodel import images
from binmodel.images import ImageError, Limits, check_bytes, decode
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from tests.unit.model_code.sample_images import NoMemory, grey_image, jpeg, noise, png


def refusal(data: bytes, **options: object) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode(data, side=32, **options)  # type: ignore[arg-type]
    return caught.value


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_claiming(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def jpeg_claiming(width: int, height: int) -> bytes:
    """A small JPEG whose frame header (SOF0) claims `width` x `height` pixels."""
    data = bytearray(jpeg(grey_image(3)))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


CORNERS = np.zeros((48, 64, 3), np.uint8)
CORNERS[:24, :32] = (250, 5, 5)  # red at the top left, blue at the top right, the rest black
CORNERS[:24, 32:] = (5, 5, 250)


def with_orientation(orientation: int, order: str = "<") -> bytes:
    """CORNERS as stored with this EXIF orientation."""
    undone = {
        1: lambda image: image,
        2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
        4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
        6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
        7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
        8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
    }
    start = b"II*\0" if order == "<" else b"MM\0*"
    exif = start + struct.pack(f"{order}IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    return jpeg(undone[orientation](Image.fromarray(CORNERS)), exif=b"Exif\0\0" + exif, quality=95, subsampling=0)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_turned_upright(orientation: int, order: str) -> None:
    upright = decode(with_orientation(orientation, order), side=48)

    assert upright.size == (64, 48)
    assert abs(np.asarray(upright, dtype=int) - CORNERS).max() < 60


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_becomes_rgb(mode: str) -> None:
    image = noise((40, 30), "L").convert("I").point(lambda value: value * 257).convert("I;16")
    image = image if mode == "I;16" else noise((40, 30), mode)
    decoded = decode(png(image), side=32)

    assert (decoded.mode, decoded.size) == ("RGB", (40, 30))
    assert np.asarray(decoded).std() > 10


def test_16_bit_grey_is_scaled_and_not_clipped() -> None:
    steps = np.linspace(0, 65535, 64 * 32).reshape(32, 64).astype(np.uint16)
    decoded = np.asarray(decode(png(Image.fromarray(steps)), side=32))

    assert abs(decoded[:, :, 0].astype(int) - steps // 257).max() <= 1


def test_16_bit_rgb_keeps_its_upper_bits() -> None:
    row = b"\0" + b"\x80\xff\x10\xff\xf0\xff" * 20
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 20, 20, 16, 2, 0, 0, 0))
    body = png_chunk(b"IDAT", zlib.compress(row * 20)) + png_chunk(b"IEND", b"")

    assert decode(b"\x89PNG\r\n\x1a\n" + header + body, side=16).getpixel((5, 5)) == (0x80, 0x10, 0xF0)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_every_kind_of_jpeg_becomes_rgb_of_the_same_colour(mode: str, progressive: bool) -> None:
    image = Image.new("RGB", (640, 480), (200, 200, 200) if mode == "L" else (200, 120, 40))
    decoded = decode(jpeg(image.convert(mode), progressive=progressive), side=32)

    assert decoded.mode == "RGB"
    middle = decoded.getpixel((decoded.width // 2, decoded.height // 2))
    assert middle == pytest.approx(image.getpixel((0, 0)), abs=12)


def test_a_large_jpeg_is_decoded_at_a_fraction_not_below_the_requested_side() -> None:
    assert decode(jpeg(grey_image(3, (1600, 1200))), side=160).size == (400, 300)


@pytest.mark.parametrize("colour", [(0, 0, 0, 0), (200, 30, 30, 0)])
def test_transparent_pixels_become_white(colour: tuple[int, int, int, int]) -> None:
    assert decode(png(Image.new("RGBA", (20, 20), colour)), side=16).getpixel((3, 3)) == (255, 255, 255)


def test_a_transparent_palette_colour_becomes_white() -> None:
    image = Image.new("P", (20, 20), 1)
    image.putpalette([255, 0, 0, 0, 255, 0])

    assert decode(png(image, transparency=1), side=16).getpixel((3, 3)) == (255, 255, 255)


def test_only_the_first_frame_of_an_animation_is_decoded() -> None:
    red, blue = Image.new("RGB", (20, 20), "red"), Image.new("RGB", (20, 20), "blue")

    assert decode(png(red, save_all=True, append_images=[blue]), side=16).getpixel((3, 3)) == (255, 0, 0)


def test_the_first_of_several_images_in_a_jpeg_is_decoded() -> None:
    both = io.BytesIO()
    grey_image(5).save(both, "MPO", save_all=True, append_images=[grey_image(1)])

    assert decode(both.getvalue(), side=16).getpixel((3, 3)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "empty_file", "empty"),
        (b"Three items, I think.\n", "unsupported_format", "not an image"),
        (b"GIF89a" + b"\0" * 40, "unsupported_format", "GIF"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "unsupported_format", "WebP"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "unsupported_format", "Most Compatible"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported_format", "SVG"),
        (b"GIF89a" + jpeg(grey_image(2)), "unsupported_format", "GIF"),
        (png_claiming(50_000, 50_000), "too_many_pixels", "50,000 x 50,000"),
        (png_claiming(10_000, 9_000), "too_many_pixels", "The limit is 50,000,000"),
        (jpeg_claiming(60_000, 60_000), "too_many_pixels", "60,000 x 60,000"),
        (png(grey_image(1, (1, 1))), "too_small", "1 x 1"),
        (png(grey_image(1, (500, 15))), "too_small", "at least 16"),
        (png_claiming(300, 300), "corrupt_image", "incomplete"),
        (jpeg_claiming(0, 40), "corrupt_image", "damaged"),
        (b"\xff\xd8\xff", "corrupt_image", "incomplete"),
        (b"\x89PNG\r\n\x1a\n", "corrupt_image", "incomplete"),
    ],
)
def test_a_file_that_cannot_be_counted_is_rejected_with_a_reason(data: bytes, code: str, words: str) -> None:
    error = refusal(data)

    assert error.code == code
    assert words in error.message


def test_a_file_over_the_limit_is_rejected_before_it_is_parsed() -> None:
    assert refusal(b"x" * 11, limits=Limits(max_bytes=10)).code == "too_many_bytes"
    assert check_bytes(10, Limits(max_bytes=10)) is None


@pytest.mark.parametrize("tail", [b"", b"\0" * 5000], ids=["cut", "filled with zeros"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
def test_a_truncated_jpeg_is_rejected(options: dict[str, bool], tail: bytes) -> None:
    whole = jpeg(noise((120, 90)), **options)
    cuts = [3, 20, 200, 600, *range(1000, len(whole) - 1, 701), len(whole) - 2, len(whole) - 1]

    assert {refusal(whole[:cut] + tail).code for cut in cuts} == {"corrupt_image"}


KINDS_OF_JPEG = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 3},
    "optimised": {"optimize": True},
    "4:4:4": {"subsampling": 0},
    "grey": {"mode": "L"},
    "CMYK": {"mode": "CMYK"},
    "progressive CMYK": {"mode": "CMYK", "progressive": True},
    "no conversion": {"keep_rgb": True},
    "4:2:2": {"subsampling": 1},
}


def jpeg_of(kind: str) -> bytes:
    options = dict(KINDS_OF_JPEG[kind])
    return jpeg(noise((120, 90)).convert(str(options.pop("mode", "RGB"))), **options)


@pytest.mark.parametrize("kind", KINDS_OF_JPEG)
def test_a_jpeg_whose_scan_ends_early_is_rejected_despite_its_end_marker(kind: str) -> None:
    whole = jpeg_of(kind)
    assert decode(whole, side=32).mode == "RGB"

    first = whole.index(b"\xff\xda") + 14
    cuts = [first + (len(whole) - first) * per_mille // 1000 for per_mille in (0, 10, 100, 250, 500, 750, 900, 990)]
    assert {refusal(whole[:cut] + b"\xff\xd9").code for cut in [*cuts, len(whole) - 5]} == {"corrupt_image"}


@pytest.mark.parametrize("side", [16, 224])
@pytest.mark.parametrize("size", [(16, 16), (17, 450), (449, 450), (897, 901), (1001, 900)])
@pytest.mark.parametrize("kind", KINDS_OF_JPEG)
def test_a_jpeg_has_the_same_pixels_as_with_pillow(kind: str, size: tuple[int, int], side: int) -> None:
    options = dict(KINDS_OF_JPEG[kind])
    data = jpeg(noise(size).convert(str(options.pop("mode", "RGB"))), **options)
    pillow = Image.open(io.BytesIO(data))
    pillow.draft("RGB", (side, side))

    assert np.array_equal(decode(data, side=side), pillow.convert("RGB"))


def test_a_progressive_jpeg_without_its_last_scans_is_rejected() -> None:
    whole = jpeg_of("progressive")
    tables = [at for at in range(len(whole)) if whole.startswith((b"\xff\xc4", b"\xff\xda"), at)][3:]

    assert {refusal(whole[:cut] + b"\xff\xd9").code for cut in tables} == {"corrupt_image"}


def test_a_jpeg_that_lost_data_between_two_restarts_is_rejected() -> None:
    whole = jpeg_of("restarts")
    second, third = (whole.index(bytes((0xFF, mark)), whole.index(b"\xff\xda")) for mark in (0xD1, 0xD2))

    assert refusal(whole[: second + 8] + whole[third:]).code == "corrupt_image"
    assert refusal(whole[:second] + whole[third:]).code == "corrupt_image"


@pytest.mark.parametrize("more", [b"\0" * 7, b"\xff\xff\xff", b"\x12\x34" * 40], ids=["zeros", "fill", "other"])
@pytest.mark.parametrize("kind", ["baseline", "progressive", "restarts"])
def test_extra_bytes_at_the_end_of_a_scan_are_accepted(kind: str, more: bytes) -> None:
    assert decode(jpeg_of(kind)[:-2] + more + b"\xff\xd9", side=32).mode == "RGB"


@pytest.mark.parametrize("size", [(16, 3_125_000), (20_001, 16)])
def test_an_image_that_is_too_long_is_rejected_before_it_is_decoded(size: tuple[int, int]) -> None:
    error = refusal(png_claiming(*size))

    assert error.code == "too_many_pixels"
    assert "The limit is 20,000 on each side" in error.message


@pytest.mark.parametrize("turned", [1, 6])
def test_a_long_and_thin_image_is_reduced(turned: int) -> None:
    exif = b"Exif\0\0II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, turned, 0, 0)
    long = png(grey_image(4, (150, 19_000)), exif=exif)

    assert sorted(decode(long, side=32).size) == [65, 75]


def test_running_out_of_memory_is_not_the_images_fault() -> None:
    assert refusal(png(grey_image(2)), limits=NoMemory()).code == "internal"


def test_a_truncated_png_is_rejected() -> None:
    whole = png(noise((120, 90)))
    cuts = [8, 20, 33, 40, *range(100, len(whole) - 12, 701), len(whole) - 12, len(whole) - 1]

    assert {refusal(whole[:cut]).code for cut in cuts} == {"corrupt_image"}


def test_a_png_with_a_wrong_checksum_is_rejected() -> None:
    data = bytearray(png(noise((40, 40))))
    data[data.index(b"IDAT") + 20] ^= 0xFF

    assert refusal(bytes(data)).code == "corrupt_image"


@given(st.binary(max_size=400))
@example(b"\xff\xd8\xff\xda")
@example(b"\xff\xd8\xff\xc0\x00\x00\xff\xda\xff\xd9")
def test_any_bytes_give_an_image_or_an_image_error(tail: bytes) -> None:
    for start in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"):
        assert refusal(start + tail).message


WHOLE = {"jpeg": jpeg(noise((48, 40))), "png": png(noise((48, 40), "P")), "cmyk": jpeg(noise((48, 40), "CMYK"))}


@given(
    st.sampled_from(sorted(WHOLE)),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
)
def test_a_damaged_file_gives_an_image_or_an_image_error(kind: str, changes: list[tuple[float, int]]) -> None:
    data = bytearray(WHOLE[kind])
    for place, value in changes:
        data[int(place * len(data))] = value
    try:
        image = decode(bytes(data), side=16, limits=Limits(max_pixels=1_000_000))
    except ImageError as error:
        assert error.code in {"corrupt_image", "unsupported_format", "too_many_pixels", "too_small"}
    else:
        assert image.mode == "RGB"


def test_large_images_are_decoded_one_at_a_time_and_small_ones_do_not_wait() -> None:
    large, small, go_on = png(grey_image(2, (2100, 2000))), png(grey_image(2)), threading.Event()
    images._one_at_a_time().submit(go_on.wait, 30)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(decode, large, side=32)
        assert decode(small, side=32).size == (60, 40)
        assert not waiting.done()
        go_on.set()

    assert waiting.result().size == (66, 65), "the decoded image is small"


def test_a_large_damaged_image_is_rejected() -> None:
    assert refusal(png(noise((2100, 2000)))[:-5000]).code == "corrupt_image"
