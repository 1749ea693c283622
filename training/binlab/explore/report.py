"""An exploration as plots and as one HTML page with sample photos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from binlab.data.dataset import OVER_RANGE, class_of
from binlab.data.sampling import shuffled
from binlab.evaluate.charts import BLUE, GREEN, GREY, ORANGE, axes, png
from binlab.evaluate.report import render, thumbnail
from binlab.explore.exploration import Exploration, classes, histogram, total
from binlab.explore.quality import BLURRED, DARK, Measured

TEMPLATE = Path(__file__).with_name("exploration.html")
SAMPLES, WORST = 6, 12
THOUSANDS = StrMethodFormatter("{x:,.0f}")
SPLITS = {"train": BLUE, "validation": GREEN, "test": ORANGE}


@dataclass(frozen=True)
class Thumbnail:
    """An image as a data URI, with the caption under its id."""

    id: str
    caption: str
    data: str


def exploration_page(found: Exploration, figures: dict[str, Any], plots: dict[str, bytes], model: str | None) -> str:
    """A self-contained HTML page. `plots` are PNG by name, `model` the name of the model that was used."""
    return render(
        TEMPLATE,
        plots,
        f=figures,
        totals=total(figures["classes"]),
        model=model,
        samples=samples(found),
        blurred=lowest(found, lambda each: each.sharpness),
        dark=lowest(found, lambda each: each.lightness),
        suspects={name: suspicious(found, of or []) for name, of in figures["suspects"].items()},
    )


def samples(found: Exploration) -> dict[int, list[Thumbnail]]:
    """A few images of each class, always the same ones."""
    classes: dict[int, list[str]] = {}
    counts = {image.id: image.count for image in found.images if not found.measured[image.id].problem}
    for name in shuffled(counts, seed=1):
        classes.setdefault(class_of(counts[name]), []).append(name)
    return {
        label: [thumbnail_of(found, name, items_in(counts[name])) for name in names[:SAMPLES]]
        for label, names in sorted(classes.items())
    }


def items_in(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"


def lowest(found: Exploration, value: Callable[[Measured], float]) -> list[Thumbnail]:
    images = sorted(found.opened, key=value)[:SAMPLES]
    return [thumbnail_of(found, each.id, f"{value(each):.0f}") for each in images]


def suspicious(found: Exploration, of: list[dict[str, Any]]) -> list[Thumbnail]:
    shown = [each for each in of if not found.measured[each["id"]].problem]
    return [thumbnail_of(found, each["id"], f"label {each['count']}: {each['detail']}") for each in shown[:WORST]]


def thumbnail_of(found: Exploration, name: str, caption: str) -> Thumbnail:
    return Thumbnail(name, caption, thumbnail(found.measured[name].path.read_bytes()))


# ---- Plots


def plots_of(found: Exploration) -> dict[str, bytes]:
    """Each plot as PNG, by name. Without records, those of items are left out. No plot shows a photo."""
    figures = {
        "classes": by_class(found),
        "sizes": by_size(found),
        "quality": by_quality(found),
        "by-class": of_classes(found),
    }
    if any(found.items.values()):
        figures |= {"items": of_items(found), "quantities": of_quantities(found)}
    return {name: png(figure) for name, figure in figures.items()}


def label_of(label: int) -> str:
    return f"{label} or more" if label == OVER_RANGE else str(label)


def by_class(found: Exploration) -> Figure:
    figure, (panel,) = axes(7.6, 3.6)
    table = classes(found)
    labels = list(table["train"])
    bottom = np.zeros(len(labels))
    for split, colour in SPLITS.items():
        heights = np.array(list(table[split].values()))
        panel.bar(range(len(labels)), heights, bottom=bottom, color=colour, width=0.72, label=split)
        bottom += heights
    for place, height in enumerate(bottom):
        panel.annotate(f"{height:,.0f}", (place, height), (0, 3), textcoords="offset points", ha="center", fontsize=9)
    panel.set_xticks(range(len(labels)), [label_of(int(label)) for label in labels])
    panel.set(xlabel="items in the bin", ylabel="images")
    panel.grid(visible=False, axis="x")
    panel.yaxis.set_major_formatter(THOUSANDS)
    panel.margins(y=0.1)
    panel.legend(frameon=False, fontsize=9)
    return figure


def by_size(found: Exploration) -> Figure:
    figure, (shorter, aspect) = axes(9.6, 3.0, 2)
    bars(shorter, [min(each.width, each.height) for each in found.opened], "shorter side, pixels")
    bars(aspect, [each.width / each.height for each in found.opened], "width / height")
    shorter.set_ylabel("images")
    return figure


def by_quality(found: Exploration) -> Figure:
    figure, (sharp, light) = axes(9.6, 3.0, 2)
    bars(sharp, [each.sharpness for each in found.opened], "sharpness (variance of the Laplacian)", BLURRED, "blurred")
    bars(light, [each.lightness for each in found.opened], "lightness (mean grey level)", DARK, "dark")
    sharp.set_ylabel("images")
    return figure


def of_classes(found: Exploration) -> Figure:
    """What correlates with the count: a model could use it instead of counting."""
    figure, (sharp, volume) = axes(9.6, 3.2, 2)
    boxes(sharp, found.of_class(found.sharpness), "sharpness")
    boxes(volume, found.of_class(found.volume), "volume of all items, cubic inches")
    volume.set_yscale("log")
    return figure


def of_items(found: Exploration) -> Figure:
    entries = [item for items in found.items.values() for item in items]
    figure, (side, weight) = axes(9.6, 3.0, 2)
    bars(side, [item.sides[0] for item in entries if item.sides], "longest side, inches")
    bars(weight, [item.weight for item in entries if item.weight], "weight, pounds")
    side.set_ylabel("products in bins")
    return figure


def of_quantities(found: Exploration) -> Figure:
    entries = [item for items in found.items.values() for item in items]
    figure, (kinds, quantity) = axes(9.6, 3.0, 2)
    columns(kinds, histogram(len(items) for items in found.items.values()), "different products in a bin")
    columns(quantity, histogram(item.quantity for item in entries), "items of one product in a bin")
    kinds.set_ylabel("bins")
    quantity.set_ylabel("products in bins")
    return figure


def bars(panel: Axes, values: Sequence[float], words: str, below: float | None = None, name: str = "") -> None:
    """A histogram up to the 99.5th percentile, with a line at `below` and the share left of it."""
    if not len(values):
        return
    low, high = min(values), float(np.percentile(values, 99.5))
    panel.hist(values, bins=40, range=(low, max(high, low + 1)), color=BLUE)
    if below is not None:
        panel.axvline(below, color=ORANGE, linewidth=1.4)
        share = np.mean(np.array(values) < below)
        panel.set_title(f"{name}: {share:.1%} below {below:g}", loc="left", fontsize=9, color=ORANGE)
    panel.yaxis.set_major_formatter(THOUSANDS)
    panel.set_xlabel(words)


def boxes(panel: Axes, values: dict[int, list[float]], words: str) -> None:
    """A box from quartile to quartile with the median for each class, whiskers from the 5th to the 95th percentile."""
    style = {"color": GREY}
    panel.boxplot(
        list(values.values()), whis=(5, 95), showfliers=False, widths=0.55, patch_artist=True,
        boxprops={"facecolor": "#dbe7f4", "edgecolor": BLUE}, medianprops={"color": ORANGE, "linewidth": 1.6},
        whiskerprops=style, capprops=style,
    )  # fmt: skip
    panel.set_xticks(range(1, len(values) + 1), [label_of(label).replace(" or more", "+") for label in values])
    panel.set(xlabel="items in the bin", ylabel=words)


def columns(panel: Axes, numbers: dict[str, int], words: str) -> None:
    panel.bar(range(len(numbers)), list(numbers.values()), color=BLUE, width=0.72)
    panel.set_xticks(range(len(numbers)), list(numbers))
    panel.grid(visible=False, axis="x")
    panel.yaxis.set_major_formatter(THOUSANDS)
    panel.set_xlabel(words)
