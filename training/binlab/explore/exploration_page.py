"""An exploration as one HTML page that needs nothing beside it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from binlab.data.dataset import class_of
from binlab.data.draws import shuffled
from binlab.evaluate.mistakes import thumbnail
from binlab.explore.exploration import Exploration, total
from binlab.explore.quality import Measured

TEMPLATE = Path(__file__).with_name("exploration.html")
SAMPLES, WORST = 6, 12


@dataclass(frozen=True)
class Picture:
    """A photograph as a data URI, with a line of text under its id."""

    id: str
    words: str
    picture: str


def exploration_page(found: Exploration, figures: dict[str, Any], plots: dict[str, bytes], model: str | None) -> str:
    """The page. `plots` are PNG by name, `model` the name of the one that was asked."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": number, "megabytes": lambda size: f"{size / 1e6:,.1f} MB"}
    pictures = {name: f"data:image/png;base64,{base64.b64encode(plot).decode()}" for name, plot in plots.items()}
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        f=figures,
        totals=total(figures["classes"]),
        plots=pictures,
        model=model,
        samples=samples(found),
        blurred=worst(found, lambda each: each.sharpness),
        dark=worst(found, lambda each: each.lightness),
        suspects={name: accused(found, of or []) for name, of in figures["suspects"].items()},
    )


def samples(found: Exploration) -> dict[int, list[Picture]]:
    """A few photographs of each class, the same ones each time."""
    classes: dict[int, list[str]] = {}
    counts = {photo.id: photo.count for photo in found.photos if not found.measured[photo.id].problem}
    for name in shuffled(counts, seed=1):
        classes.setdefault(class_of(counts[name]), []).append(name)
    return {
        label: [picture_of(found, name, items_in(counts[name])) for name in names[:SAMPLES]]
        for label, names in sorted(classes.items())
    }


def items_in(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"


def worst(found: Exploration, value: Callable[[Measured], float]) -> list[Picture]:
    lowest = sorted(found.opened, key=value)[:SAMPLES]
    return [picture_of(found, each.id, f"{value(each):.0f}") for each in lowest]


def accused(found: Exploration, of: list[dict[str, Any]]) -> list[Picture]:
    shown = [each for each in of if not found.measured[each["id"]].problem]
    return [picture_of(found, each["id"], f"label {each['count']}: {each['detail']}") for each in shown[:WORST]]


def picture_of(found: Exploration, name: str, words: str) -> Picture:
    return Picture(name, words, thumbnail(found.measured[name].path.read_bytes()))


def number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:,.2f}"
