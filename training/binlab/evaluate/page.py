"""The figures of an evaluation as one HTML page that needs nothing beside it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from binlab.evaluate.mistakes import Mistake
from binlab.evaluate.provenance import OTHER_SPLIT

TEMPLATE = Path(__file__).with_name("evaluation.html")


def evaluation_page(
    figures: dict[str, Any], plots: dict[str, bytes], mistakes: list[Mistake], outside: list[Mistake]
) -> str:
    """The page. `plots` are PNG by name; `mistakes` are photographs in range, `outside` confident ones that are not."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"percent": percent, "limits": limits, "number": number}
    pictures = {name: f"data:image/png;base64,{base64.b64encode(plot).decode()}" for name, plot in plots.items()}
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(f=figures, other_split=OTHER_SPLIT, plots=pictures, mistakes=mistakes, outside=outside)


def percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def limits(pair: tuple[float, float]) -> str:
    return f"{pair[0]:.1%} to {pair[1]:.1%}"


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
