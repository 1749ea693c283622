"""Text on an image, whatever characters a key has: each run of characters in the first font that has them."""

from __future__ import annotations

import unicodedata
from functools import cache
from itertools import groupby

from PIL import ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

# Pillow's own font only has Latin letters without accents. These fonts are tried in order, if the machine has them.
FALLBACKS = (
    "DejaVuSans.ttf",
    "Arial.ttf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKjp-Regular.otf",
    "Arial Unicode.ttf",
    "Hiragino Sans GB.ttc",
    "msgothic.ttc",
    "wqy-microhei.ttc",
)
NOT_A_CHARACTER = "\uffff"  # no font has it, so every font draws its placeholder box


def write(
    draw: ImageDraw.ImageDraw,
    xy: tuple[float, float],
    text: str,
    size: int,
    fill: str,
    *,
    bold: bool = False,
    align: str = "left",
) -> None:
    """Write `text` in one line. `xy` on the baseline is its left end, middle or right end, as `align` says."""
    x, y = xy
    x -= width(text, size) * {"left": 0.0, "middle": 0.5, "right": 1.0}[align]
    for font, run in _runs(text, size):
        draw.text((x, y), run, fill=fill, font=font, anchor="ls", stroke_width=min(size / 40, 0.6) if bold else 0)
        x += font.getlength(run)


def width(text: str, size: int) -> float:
    """The width of `text` in one line, in pixels."""
    return sum(font.getlength(run) for font, run in _runs(text, size))


def shorten(text: str, size: int, limit: float, *, tail: float = 0.5) -> str:
    """`text`, or its beginning and end around an ellipsis, in at most `limit` pixels.

    `tail` is the share of the kept characters that comes from the end.
    """
    if width(text, size) <= limit:
        return text
    keep = min(len(text) - 1, 200)
    while keep > 1 and width(_ends(text, keep, int(keep * tail)), size) > limit:
        keep -= 1
    return _ends(text, keep, int(keep * tail))


def _ends(text: str, keep: int, tail: int) -> str:
    return f"{text[: keep - tail].rstrip()}…{text[len(text) - tail :]}"


def _runs(text: str, size: int) -> list[tuple[Font, str]]:
    fonts = _fonts(size)
    readable = "".join(_readable(character, size) for character in unicodedata.normalize("NFC", text))
    for font in fonts:
        if all(_has(font, character) for character in set(readable)):
            return [(font, readable)]
    chosen = ((_font_for(character, size), character) for character in readable)
    runs = groupby(chosen, lambda pair: pair[0])
    return [(fonts[place], "".join(character for _, character in run)) for place, run in runs]


def _readable(character: str, size: int) -> str:
    """`character` itself, else its unaccented base, else its escape: never a placeholder box or a control character."""
    if character.isprintable():
        base = unicodedata.normalize("NFKD", character)[0]
        for candidate in (character, base):
            if _has(_fonts(size)[_font_for(candidate, size)], candidate):
                return candidate
    return character.encode("unicode_escape").decode()


@cache
def _font_for(character: str, size: int) -> int:
    """The index in `_fonts(size)` of the first font that has `character`; 0 if none has."""
    return next((place for place, font in enumerate(_fonts(size)) if _has(font, character)), 0)


@cache
def _has(font: Font, character: str) -> bool:
    return character == " " or _ink(font, character) != _ink(font, NOT_A_CHARACTER)


def _ink(font: Font, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)


@cache
def _fonts(size: int) -> list[Font]:
    fonts: list[Font] = [ImageFont.load_default(size)]
    for name in FALLBACKS:
        try:
            fonts.append(ImageFont.truetype(name, size))
        except OSError:
            continue
    return fonts
