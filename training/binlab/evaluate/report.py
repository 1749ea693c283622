"""The figures of an evaluation for people: one HTML page with the worst mistakes, and a table for the terminal."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from binmodel.images import decode
from jinja2 import Environment, StrictUndefined
from rich.console import Console
from rich.table import Table

from binlab.data.dataset import LabelledImage
from binlab.evaluate.predictions import OTHER_SPLIT, Mask, Predictions

TEMPLATE = Path(__file__).with_name("evaluation.html")
SIDE = 180  # pixels of a thumbnail, at most


@dataclass(frozen=True)
class Mistake:
    """A wrongly counted image: recorded count, predicted count with its confidence, thumbnail as a data URI."""

    id: str
    recorded: int
    counted: int
    confidence: float
    thumbnail: str


def worst(predictions: Predictions, images: list[LabelledImage], among: Mask, limit: int) -> list[Mistake]:
    """The most confident wrong predictions within the mask (N,), at most `limit`. `images` are in the same order."""
    wrong = np.flatnonzero(among & ~predictions.correct)
    chosen = wrong[np.argsort(-predictions.confidence[wrong], kind="stable")][:limit]
    return [
        Mistake(
            id=images[place].id,
            recorded=images[place].count,
            counted=int(predictions.predicted[place]),
            confidence=float(predictions.confidence[place]),
            thumbnail=thumbnail(images[place].path.read_bytes()),
        )
        for place in chosen
    ]


def thumbnail(data: bytes) -> str:
    """A JPEG of at most SIDE pixels a side, as a data URI."""
    image = decode(data, side=SIDE)
    image.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def render(template: Path, plots: dict[str, bytes], **values: Any) -> str:
    """A self-contained HTML page: `plots` are PNG by name, embedded as data URIs."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"percent": percent, "limits": limits, "number": number, "amount": amount}
    embedded = {name: f"data:image/png;base64,{base64.b64encode(plot).decode()}" for name, plot in plots.items()}
    return environment.from_string(template.read_text(encoding="utf-8")).render(plots=embedded, **values)


def evaluation_page(
    figures: dict[str, Any], plots: dict[str, bytes], mistakes: list[Mistake], outside: list[Mistake]
) -> str:
    """The report. `mistakes` are images in range, `outside` confidently counted ones out of range."""
    return render(TEMPLATE, plots, f=figures, other_split=OTHER_SPLIT, mistakes=mistakes, outside=outside)


def percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def limits(pair: tuple[float, float]) -> str:
    return f"{pair[0]:.1%} to {pair[1]:.1%}"


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def amount(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:,.2f}"


def print_figures(figures: dict[str, Any], out: Path) -> None:
    """Print the main figures to standard output; `out` is the folder with the rest."""
    console = Console(highlight=False)
    title = f"{figures['model']}: {figures['images']} photos of the {figures['split']} split"
    console.print(f"\n{title}\n", markup=False)
    console.print(_counts(figures))
    console.print(_orders(figures))
    if figures["volume"]:
        console.print(_volume(figures["volume"]))
    if figures["certified"]:
        console.print(_certified(figures["certified"]))
    if figures["split_as_in_training"] is False:
        console.print(OTHER_SPLIT, style="yellow")
    for problem in figures["unreadable"][:5]:
        console.print(f"{problem['id']} could not be counted: {problem['message']}", markup=False)
    console.print(f"{out / 'report.html'}\n{out / 'metrics.json'}", markup=False, soft_wrap=True)


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left", header_style="bold")
    return table


def _counts(f: dict[str, Any]) -> Table:
    table = _table("", "plain", "balanced", "95% limits")
    for key, words in (("accuracy", "accuracy"), ("within_one", "within one")):
        sure = limits(f["balanced_accuracy_interval"]) if key == "accuracy" else ""
        table.add_row(words, percent(f[key]), percent(f[f"balanced_{key}"]), sure)
    rest = {"mae": "MAE", "rmse_count": "RMSE, count", "rmse_expected": "RMSE, expected value", "bias": "bias"}
    for key, words in rest.items():
        table.add_row(words, number(f[key]), number(f[f"balanced_{key}"]), "")
    ece, chance = f["calibration"]["ece"], f"{number(f['calibration']['balanced']['ece_by_chance'])} by chance"
    table.add_row("calibration error", number(ece), number(f["calibration"]["balanced"]["ece"]), chance)
    fifth = f["risk_coverage"]["most_confident"]["0.2"]
    table.add_row("most confident 20%", *(percent(fifth[k]) for k in ("accuracy", "balanced_accuracy")), "")
    if intervals := f["intervals"]:
        sure = limits(intervals["balanced_coverage_interval"])
        words = f"in its {intervals['nominal_coverage']:.0%} interval"
        table.add_row(words, percent(intervals["coverage"]), percent(intervals["balanced_coverage"]), sure)
        table.add_row("  width", number(intervals["mean_width"]), number(intervals["balanced_mean_width"]), "")
    for row in f["baselines"]:
        table.add_row(row["name"].split(",")[0], percent(row["accuracy"]), percent(row["balanced_accuracy"]), "")
    if f["rekognition"]:
        row, name = f["rekognition"]["rekognition"], f"Rekognition, on {f['rekognition']['images']} of them"
        table.add_row(name, percent(row["accuracy"]), percent(row["balanced_accuracy"]), "")
    return table


def _orders(f: dict[str, Any]) -> Table:
    orders = f["orders"]
    table = _table("\norders", "")
    table.add_row(
        f"settled without a person, if {orders['discrepancy_rate']:.0%} are wrong", percent(orders["settled"])
    )
    limit = f"{percent(orders['wrong_settled'])}, at most {percent(orders['wrong_settled_bound'])}"
    table.add_row("wrong among the settled (95% bound)", limit)
    table.add_row("wrong orders that a person sees", percent(orders["wrong_seen"]))
    table.add_row("leak ratio (1: photos are no help)", f"{orders['leak_ratio']:.2f}")
    table.add_row("SHORT or OVER that is right", f"{percent(orders['precision'])} of {percent(orders['alerts'])}")
    table.add_row("wrong orders in the riskiest tenth", f"{orders['lift_10']:.1f} times as many as by chance")
    table.add_row("AUC of the risk; within an expected number", f"{orders['auc']:.3f}; {orders['auc_within']:.3f}")
    for name, group in (f["out_of_range"] or {"groups": {}})["groups"].items():
        if name in ("empty", "over_range"):
            bins = "empty bins" if name == "empty" else "bins over the range"
            words = f"{bins} ({group['images']}): a class above 50%"
            table.add_row(words, percent(group["confident"]["0.5"]))
    return table


def _volume(f: dict[str, Any]) -> Table:
    table = _table(f"\nvolume ({f['images']} photos)", "\nAUC", "\nwithin a number", "\nlift at 10%", "\nlift at 20%")
    for name, row in f["orders"].items():
        ranks = (number(row["auc"]), number(row["auc_within"]), f"{row['lift_10']:.2f}", f"{row['lift_20']:.2f}")
        table.add_row(f"wrong orders by {name}", *ranks)
    table.add_row("R2 of log litres", number(f["r2"]))
    table.add_row("residual sd", number(f["log_sd"]))
    table.add_row("in its interval", percent(f["coverage"]))
    return table


def print_certified(rows: list[dict[str, Any]], title: str) -> None:
    """Print the rows of `binlab.evaluate.certify.certify`."""
    console = Console(highlight=False)
    console.print(f"\n{title}", markup=False)
    console.print(_certified(rows))


def _certified(rows: list[dict[str, Any]]) -> Table:
    """Certified match risks, with what this split shows of them if it was checked."""
    checked = [("\nsettled here", "\nwrong here", "\ndrawn")] if "drawn" in rows[0] else []
    headings = ("certified\norders wrong", "\nwrong at most", "\nMatchRisk", "\nsettled", "\n95% bound")
    table = _table(*headings, *(heading for part in checked for heading in part))
    for row in rows:
        found = [percent(row["discrepancy_rate"]), percent(row["alpha"])]
        if row["match_risk"] is None:
            table.add_row(*found, "none")
            continue
        found += [f"{row['match_risk']:g}", percent(row["settled"]), f"{row['bound']:.2%}"]
        if checked:
            wrong, settled = map(sum, zip(*row["drawn"], strict=True))
            found += [percent(row["test_settled"]), f"{row['test_wrong']:.2%}", f"{wrong} of {settled:,}"]
        table.add_row(*found)
    return table
