import struct

import pytest
from binmodel.formats import MAX_PARTS, MAX_SCANS, exif_orientation, strip_jpeg, strip_png

from tests.unit.model_code.sample_images import jpeg, noise, png

TURNED = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_segments(data: bytes, segments: bytes) -> bytes:
    return data[:2] + segments + data[2:]


def test_metadata_of_a_jpeg_is_removed_whatever_its_size() -> None:
    plain = jpeg(noise((40, 40)))
    huge = b"".join(segment(marker, b"Exif\0\0" + b"\x2a" * 65_000) for marker in (0xE1, 0xE2, 0xED, 0xFE) * 60)

    assert strip_jpeg(with_segments(plain, huge) + b"PK\x03\x04 a file after the image") == (plain, 1)


def test_the_orientation_of_a_jpeg_is_read_from_its_exif() -> None:
    assert strip_jpeg(jpeg(noise((40, 40)), exif=b"Exif\0\0" + TURNED))[1] == 6


def test_segments_that_define_the_colours_are_kept() -> None:
    assert b"Adobe" in strip_jpeg(jpeg(noise((40, 40), "CMYK")))[0]


def test_a_jpeg_with_too_many_segments_or_scans_is_rejected() -> None:
    plain, scan = jpeg(noise((40, 40))), segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")
    strip_jpeg(plain[:-2] + scan * (MAX_SCANS - 1) + plain[-2:])

    with pytest.raises(ValueError, match="scans"):
        strip_jpeg(plain[:-2] + scan * MAX_SCANS + plain[-2:])
    with pytest.raises(ValueError, match="segments"):
        strip_jpeg(with_segments(plain, segment(0xFE, b"") * MAX_PARTS))


def test_metadata_of_a_png_is_removed_and_its_orientation_read() -> None:
    plain = png(noise((40, 40)))
    marked = png(noise((40, 40)), exif=b"Exif\0\0" + TURNED, icc_profile=b"profile" * 1000)

    assert strip_png(marked) == (plain, 6)


def test_a_png_with_too_many_chunks_is_rejected() -> None:
    plain = png(noise((40, 40)))

    with pytest.raises(ValueError, match="too many"):
        strip_png(plain[:33] + b"\0\0\0\0teXt\0\0\0\0" * MAX_PARTS + plain[33:])


@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"II*\0",
        b"XX*\0" + TURNED[4:],
        TURNED[:-8],
        TURNED[:4] + struct.pack("<I", 4_000_000_000) + TURNED[8:],
        TURNED[:18] + struct.pack("<H", 9) + TURNED[20:],
        b"II*\0" + struct.pack("<IH", 8, 65535) + b"\0" * 600,
    ],
    ids=["none", "cut", "no byte order", "cut entry", "far away", "no such turn", "claims more entries"],
)
def test_damaged_exif_means_upright(exif: bytes) -> None:
    assert exif_orientation(exif) == 1
