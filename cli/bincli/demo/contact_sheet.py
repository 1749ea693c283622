"""The contact sheet: photos with their count, the expected number, and the verdict in words and colour."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from binmodel.images import ImageError, Limits, decode
from bintally.domain.volume import litres_text
from PIL import Image, ImageDraw, ImageOps

from bincli.demo.photos import COUNTABLE
from bincli.demo.results import Result, Totals, riskiest_first
from bincli.demo.text import shorten, width, write
from bincli.text import quantity
from bincli.verdicts import NOT_ORDERED, attention, risk_text

COLUMNS, MAX_TILES = 8, 64
TILE, GAP, MARGIN = 232, 16, 32
PHOTO = 186  # height of the photo in its tile
TILE_HEIGHT = PHOTO + 136
HEADER, FOOTER = 168, 44
PAPER, INK, FAINT, LINE, BACKDROP = "#F4F3EF", "#1B1B1B", "#5F5F5B", "#D5D3CB", "#DFDDD5"

# Okabe and Ito's colours, which colour-blind people can tell apart; some are darker, so that white text is readable.
COLOURS = {
    "SHORT": ("#C44E00", "white"),
    "OVER": ("#8A3A6E", "white"),
    "MISSING": ("#000000", "white"),
    "UNREADABLE": ("#55585C", "white"),
    "UNCERTAIN": ("#F0C93B", INK),
    "PENDING": ("#9CCBEA", INK),
    "MATCH": ("#00785A", "white"),
    "WITHDRAWN": ("#E8E6DF", "#5A5A56"),
    NOT_ORDERED: ("#DEDCD4", INK),
}


def write_contact_sheet(path: Path, results: Sequence[Result], totals: Totals) -> None:
    """Draw the contact sheet as PNG to `path`, atomically."""
    save_png(contact_sheet(results, totals), path)


def save_png(image: Image.Image, path: Path) -> None:
    """Write `path`, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    image.save(unfinished, format="PNG")
    unfinished.replace(path)


def contact_sheet(results: Sequence[Result], totals: Totals) -> Image.Image:
    """The sheet: a header with the totals, at most `MAX_TILES` tiles, and how many were left out."""
    shown = riskiest_first(chosen(results))
    sheet = _tiles(shown, HEADER)
    _header(sheet, totals)
    write(ImageDraw.Draw(sheet), (MARGIN, sheet.height - 20), _footer(len(shown), len(results)), 16, FAINT)
    return sheet


def tile_sheet(results: Sequence[Result], title: str, footer: str) -> Image.Image:
    """The first `MAX_TILES` tiles, in their order, between two lines of text."""
    sheet = _tiles(results[:MAX_TILES], HEADER // 2)
    draw = ImageDraw.Draw(sheet)
    write(draw, (MARGIN, 56), shorten(title, 30, sheet.width - 2 * MARGIN), 30, INK, bold=True)
    write(draw, (MARGIN, sheet.height - 20), footer, 16, FAINT)
    return sheet


def _tiles(shown: Sequence[Result], top: int) -> Image.Image:
    """Tiles below a margin of `top` pixels."""
    rows = -(-len(shown) // COLUMNS)
    size = (2 * MARGIN + COLUMNS * (TILE + GAP) - GAP, top + rows * (TILE_HEIGHT + GAP) + FOOTER)
    sheet = Image.new("RGB", size, PAPER)
    for place, result in enumerate(shown):
        row, column = divmod(place, COLUMNS)
        sheet.paste(_tile(result), (MARGIN + column * (TILE + GAP), top + row * (TILE_HEIGHT + GAP)))
    return sheet


def chosen(results: Sequence[Result]) -> list[Result]:
    """The `MAX_TILES` results to show: a row of each kind of verdict, and the riskiest in the rest of the sheet."""
    first_rows: list[Result] = []
    others: list[Result] = []
    for _, group in groupby(riskiest_first(results), lambda one: attention(one.verdict, one.risk)[0]):
        same = list(group)
        first_rows += same[:COLUMNS]
        others += same[COLUMNS:]
    return [*first_rows, *others][:MAX_TILES]


def _footer(shown: int, results: int) -> str:
    legend = "Bars: the model's probability of each count; the ring marks the expected number."
    if shown == results:
        return f"Riskiest first. {legend}"
    return f"Riskiest first: {shown} of {results:,}, {results - shown:,} more are in the CSV file. {legend}"


def _header(sheet: Image.Image, totals: Totals) -> None:
    draw = ImageDraw.Draw(sheet)
    right = sheet.width - MARGIN
    write(draw, (MARGIN, 62), "bintally", 44, INK, bold=True)
    write(draw, (MARGIN + width("bintally", 44) + 18, 62), "which bins need a look", 26, FAINT)
    write(draw, (right, 62), f"{totals.images_per_second:,.1f} photos/s", 34, INK, bold=True, align="right")
    numbers = [f"{totals.counted:,} counted", f"{totals.rejected:,} rejected", f"{totals.unaccounted:,} unaccounted"]
    write(draw, (MARGIN, 94), f"{quantity(totals.images, 'photo')}: {', '.join(numbers)}", 18, FAINT)
    write(
        draw, (right, 94), f"{totals.seconds:,.1f} s from the first upload to the last count", 18, FAINT, align="right"
    )
    _verdict_bar(draw, (MARGIN, 112, right, 144), totals)


def _verdict_bar(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], totals: Totals) -> None:
    """One bar for all verdicts, each part wide enough for its name and otherwise proportional."""
    left, top, right, bottom = box
    names = {verdict: f"{verdict}  {number:,}" for verdict, number in totals.verdicts.items() if number}
    spare = right - left - sum(width(name, 17) + 24 for name in names.values())
    x = float(left)
    for verdict, name in names.items():
        colour, ink = COLOURS.get(verdict, (INK, "white"))
        share = width(name, 17) + 24 + spare * totals.verdicts[verdict] / sum(totals.verdicts.values())
        draw.rectangle((x, top, x + share - 3, bottom), fill=colour)
        write(draw, (x + 12, bottom - 10), name, 17, ink, bold=True)
        x += share


def _tile(result: Result) -> Image.Image:
    tile = Image.new("RGB", (TILE, TILE_HEIGHT), "white")
    draw = ImageDraw.Draw(tile)
    _photo(tile, result)
    colour, ink = COLOURS.get(result.verdict, (INK, "white"))
    draw.rectangle((0, PHOTO, TILE, PHOTO + 30), fill=colour)
    write(draw, (10, PHOTO + 22), result.verdict, 18, ink, bold=True)
    write(draw, (TILE - 10, PHOTO + 22), difference(result), 16, ink, align="right")
    risk = "" if result.risk is None else f"risk {risk_text(result.risk)}"
    write(draw, (10, PHOTO + 54), shorten(result.bin_id, 18, TILE - 30 - width(risk, 15)), 18, INK, bold=True)
    write(draw, (TILE - 10, PHOTO + 54), risk, 15, INK, align="right")
    _facts(draw, result)
    draw.rectangle((0, 0, TILE - 1, TILE_HEIGHT - 1), outline=LINE)
    return tile


def difference(result: Result) -> str:
    """How far the count is from the order; nothing if "6+" may be the expected number."""
    least = result.count if result.at_least is None else result.at_least
    if least is None or result.expected is None or least == result.expected:
        return ""
    if result.at_least is not None and least < result.expected:
        return ""
    more, doubt = "+" if result.at_least is not None else "", "?" if result.verdict == "UNCERTAIN" else ""
    direction = "few" if least < result.expected else "many"
    return f"{abs(least - result.expected)}{more} too {direction}{doubt}"


def _facts(draw: ImageDraw.ImageDraw, result: Result) -> None:
    if result.count_text == "-":
        reason = result.reason or "not counted"
        for line, text in enumerate(_wrapped(reason, TILE - 20, lines=4)):
            write(draw, (10, PHOTO + 75 + line * 17), text, 14, FAINT)
        return
    expected = "no order" if result.expected is None else f"expected {result.expected}"
    write(draw, (10, PHOTO + 86), f"counted {result.count_text}", 17, INK)
    write(draw, (10, PHOTO + 108), expected, 17, INK)
    if result.volume_l is not None:
        write(draw, (10, PHOTO + 128), f"about {litres_text(result.volume_l)}", 14, FAINT)
    _bars(draw, (118, PHOTO + 60, TILE - 8, PHOTO + 128), result)


def _bars(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], result: Result) -> None:
    """A bar for the probability of each count: the best one dark with its percentage, the expected one with a ring."""
    left, top, right, bottom = box
    step = (right - left) / max(len(result.probabilities), 1)
    floor, tallest = bottom - 16, bottom - 16 - (top + 12)
    for place, (label, probability) in enumerate(sorted(result.probabilities.items())):
        x, height = left + place * step, max(probability * tallest, 1)
        counted = label == (result.count if result.at_least is None else result.at_least)
        draw.rectangle((x + 3, floor - height, x + step - 3, floor), fill=INK if counted else "#BDBBB3")
        if label == result.expected:
            draw.ellipse((x + step / 2 - 8, floor + 1, x + step / 2 + 8, floor + 17), outline=INK, width=1)
        name = str(label) if label in (0, *COUNTABLE) else f"{label}+"
        write(draw, (x + step / 2, floor + 14), name, 13, INK, bold=counted, align="middle")
        if counted:
            write(draw, (x + step / 2, floor - height - 3), f"{probability:.0%}", 12, INK, align="middle")


def _wrapped(text: str, limit: float, *, lines: int) -> list[str]:
    """`text` at 14 px, broken between words into lines of at most `limit` pixels. The last line is shortened."""
    broken = [""]
    for word in text.split():
        longer = f"{broken[-1]} {word}".strip()
        if width(longer, 14) <= limit or not broken[-1] or len(broken) == lines:
            broken[-1] = longer
        else:
            broken.append(word)
    return [shorten(line, 14, limit, tail=0) for line in broken]


def _photo(tile: Image.Image, result: Result) -> None:
    image = _open(result.photo)
    draw = ImageDraw.Draw(tile)
    draw.rectangle((0, 0, TILE, PHOTO), fill=BACKDROP)
    if image is None:
        missing = "no photo" if result.photo is None else "can't be shown"
        write(draw, (TILE / 2, PHOTO / 2 + 6), missing, 18, FAINT, align="middle")
        return
    image = ImageOps.contain(image, (TILE, PHOTO), Image.Resampling.LANCZOS)
    tile.paste(image, ((TILE - image.width) // 2, (PHOTO - image.height) // 2))


def _open(path: Path | None) -> Image.Image | None:
    """The photo, decoded with the limits of the model's own reader: what that refuses is not drawn either."""
    if path is None or not path.is_file() or path.stat().st_size > Limits().max_bytes:
        return None
    try:
        return decode(path.read_bytes(), side=TILE)
    except ImageError:
        return None
