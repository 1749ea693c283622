"""Strips JPEG and PNG files to the parts that make their pixels, and reads their orientation, without decoding them.

Pillow reads EXIF data, colour profiles, text and further frames when it opens a file. A small file can make that
arbitrarily expensive, so Pillow never gets to see this metadata.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence

JPEG_START, PNG_START = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
MAX_PARTS = 10_000  # a PNG of 20 MiB in the usual chunks of 8 KiB has 2,600
MAX_SCANS = 64  # a progressive JPEG has about 10; each scan is a pass over the whole image
_SOI, _EOI, _SOS, _COM, _APP0, _APP1, _APP14, _APP15 = 0xD8, 0xD9, 0xDA, 0xFE, 0xE0, 0xE1, 0xEE, 0xEF
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_WITHOUT_LENGTH = {0x00, 0x01, _SOI, 0xFF, *range(0xD0, 0xD8)}
# In a scan, 0xff 0x00 is data, and restart markers (0xd0 to 0xd7) are part of the scan.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
_PNG_NEEDED = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_ORIENTATION, _SHORT = 0x0112, 3


def strip_jpeg(data: bytes) -> tuple[bytes, int]:
    """A JPEG (ITU-T T.81, annex B) with only the parts that make its pixels, and its EXIF orientation (1 to 8).

    Raises ValueError for a file that ends before its end marker, lacks a scan, or exceeds the limits above.
    """
    parts, exif, frame, scans = [data[:2]], b"", b"", []
    for marker, start, end in _segments(data):
        if marker == _APP1 and data[start + 4 : start + 10] == b"Exif\0\0":
            exif = exif or data[start + 10 : end]
        elif marker in (_APP0, _APP14) or not (marker == _COM or _APP0 <= marker <= _APP15):
            parts.append(data[start:end])  # JFIF and Adobe segments define the colours
        if marker in _FRAMES:
            frame = frame or data[start:end]
        elif marker == _SOS:
            scans.append(data[start + 4 : start + 16])
    if len(scans) > MAX_SCANS:
        raise ValueError("the JPEG has too many scans")
    if _lacks_scans(frame, scans):
        raise ValueError("the JPEG lacks a scan")
    return b"".join(parts), exif_orientation(exif)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """The marker, start and end of each segment up to the end marker. A scan's segment includes its data."""
    at = 2
    for _ in range(MAX_PARTS):
        at = data.index(b"\xff", at)
        marker = data[at + 1] if at + 1 < len(data) else 0
        if marker == _EOI:
            yield marker, at, at + 2
            return
        if at + 4 > len(data):
            raise ValueError("the JPEG has no end marker")
        if marker in _WITHOUT_LENGTH:
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _SOS:
            found = _NEXT_MARKER.search(data, end)
            end = found.start() if found else len(data)
        yield marker, at, end
        at = end
    raise ValueError("the JPEG has too many segments")


def _lacks_scans(frame: bytes, scans: Sequence[bytes]) -> bool:
    """Whether a component is in no scan, or a coefficient of a progressive JPEG lacks its last bits.

    T.81 lets an encoder omit the last bits, but no encoder in use does, and a file cut between two scans looks like it.
    """
    progressive = bool(frame) and frame[1] in _PROGRESSIVE
    missing = {component: set(range(64 if progressive else 1)) for component in frame[10::3]}
    for scan in scans:
        count = scan[0] if scan else 0
        first, last, bits = (*scan[1 + 2 * count : 4 + 2 * count], 0, 0, 0)[:3]
        sent = range(first, last + 1) if progressive else range(1)
        if bits & 15 == 0:
            for component in scan[1 : 1 + 2 * count : 2]:
                missing.get(component, set()).difference_update(sent)
    return any(missing.values())


def strip_png(data: bytes) -> tuple[bytes, int]:
    """A PNG (https://www.w3.org/TR/png-3/) with only the chunks that make its first frame, and its EXIF orientation.

    Raises ValueError for a file that ends before its last chunk, or exceeds the limits above.
    """
    parts, exif, at = [PNG_START], b"", len(PNG_START)
    for _ in range(MAX_PARTS):
        if at + 12 > len(data):
            raise ValueError("the PNG ends before its last chunk")
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if kind == b"eXIf":
            exif = exif or data[at + 8 : end - 4]
        elif kind in _PNG_NEEDED:
            parts.append(data[at:end])
        if kind == b"IEND":
            return b"".join(parts), exif_orientation(exif)
        at = end
    raise ValueError("the PNG has too many chunks")


def exif_orientation(exif: bytes) -> int:
    """The orientation (1 to 8) in an EXIF block (TIFF 6.0, section 2). 1, upright, if it has none or is damaged."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(f"{order}I", exif, 4)
        (entries,) = struct.unpack_from(f"{order}H", exif, directory)
        for index in range(entries):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, directory + 2 + 12 * index)
            if tag == _ORIENTATION and kind == _SHORT:
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1
