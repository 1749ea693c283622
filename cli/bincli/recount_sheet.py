"""A recount sheet: one HTML file with the photos in it, to print or to mail."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from bincli.text import quantity, visible

SIDE = 480  # pixels of the longer side of a photo: 6 cm on paper at 200 dots an inch
QUALITY = 75
STYLE = """
:root { color-scheme: light; font: 15px/1.4 system-ui, sans-serif; color: #1a1a1a; background: #fff; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; }
header p { margin: .25rem 0 1.5rem; color: #555; }
ol { list-style: none; margin: 0; padding: 0; display: grid; gap: 1rem; }
ol { grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); }
li { border: 1px solid #999; border-radius: 4px; padding: .75rem; break-inside: avoid; }
h2 { font-size: 1.15rem; margin: 0; overflow-wrap: anywhere; }
img, .none { width: 100%; aspect-ratio: 4 / 3; object-fit: contain; background: #f2f2f2; margin: .5rem 0; }
.none { display: grid; place-items: center; color: #555; text-align: center; }
.facts { font-size: .87rem; overflow-wrap: anywhere; }
.answer { display: flex; gap: 1rem; align-items: center; margin-top: .75rem; font-size: .87rem; }
.box { display: inline-block; width: 4rem; height: 2.2rem; border: 1.5px solid #1a1a1a; vertical-align: middle; }
.tick { display: inline-block; width: 1rem; height: 1rem; border: 1.5px solid #1a1a1a; vertical-align: text-bottom; }
footer { margin-top: 2rem; color: #555; }
@media print { body { margin: 0; max-width: none; } ol { grid-template-columns: repeat(3, 1fr); } }
"""
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>Recount sheet of {stack}</title>
<style>{style}</style>
</head>
<body>
<header><h1>Recount sheet of {stack}</h1><p>{about}</p></header>
<main><ol>
{entries}
</ol></main>
<footer>Counted by ____________________ on ____________________.
Enter each: <code>bintally decide BIN COUNT</code></footer>
</body>
</html>
"""
ENTRY = """<li>
<h2>{bin_id}</h2>
{photo}
<div class="facts">{facts}</div>
<div class="answer"><span>Counted <span class="box"></span></span>
<span><span class="tick"></span> can't tell</span></div>
</li>"""


@dataclass(frozen=True)
class Entry:
    """A bin to count. `photo` is a JPEG, or None if there is none to show. `facts` are lines of text."""

    bin_id: str
    photo: bytes | None
    facts: Sequence[str]


def sheet(stack: str, entries: Sequence[Entry], made_at: str) -> str:
    """The HTML of a sheet. All text is escaped, and no script runs in it."""
    about = f"{quantity(len(entries), 'bin')} to count. Made {made_at}."
    items = "\n".join(map(_entry, entries))
    return PAGE.format(stack=_text(stack), style=STYLE, about=_text(about), entries=items)


def _entry(entry: Entry) -> str:
    facts = "".join(f"<div>{_text(fact)}</div>" for fact in entry.facts)
    return ENTRY.format(bin_id=_text(entry.bin_id), photo=_photo(entry), facts=facts)


def _photo(entry: Entry) -> str:
    if entry.photo is None:
        return '<div class="none">No photo</div>'
    data = base64.b64encode(entry.photo).decode()
    return f'<img alt="Photo of bin {_text(entry.bin_id)}" src="data:image/jpeg;base64,{data}">'


def _text(text: str) -> str:
    return escape(visible(text))


def thumbnail(data: bytes) -> bytes | None:
    """A small JPEG of a photo, upright; None if the model could not read it either."""
    from binmodel.images import ImageError, decode

    try:
        small = decode(data, side=SIDE)
    except ImageError:
        return None
    small.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
