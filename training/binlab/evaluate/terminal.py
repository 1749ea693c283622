"""The main figures of an evaluation, for a person at a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from binlab.evaluate.page import limits, number, percent
from binlab.evaluate.provenance import OTHER_SPLIT


def print_figures(figures: dict[str, Any], out: Path) -> None:
    """Print to standard output, as wide as it is; `out` is the folder where the rest was written."""
    console = Console(highlight=False)
    title = f"{figures['model']}: {figures['photographs']} photographs, side {figures['side']}"
    console.print(f"\n{title}\n", markup=False)
    console.print(_counts(figures))
    console.print(_shares(figures))
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
    table = _table("", "photographs alike", "counts alike", "95% limits")
    for key, words in (("accuracy", "accuracy"), ("within_one", "within one")):
        sure = limits(f["balanced_accuracy_interval"]) if key == "accuracy" else ""
        table.add_row(words, percent(f[key]), percent(f[f"balanced_{key}"]), sure)
    rest = {"mae": "MAE", "rmse_count": "RMSE, count", "rmse_expected": "RMSE, expected value", "bias": "bias"}
    for key, words in rest.items():
        table.add_row(words, number(f[key]), number(f[f"balanced_{key}"]), "")
    honest, noise = f["calibration"], f"{number(f['calibration']['balanced']['ece_by_chance'])} by noise alone"
    table.add_row("calibration error", number(honest["ece"]), number(honest["balanced"]["ece"]), noise)
    fifth = f["risk_coverage"]["most_certain"]["0.2"]
    table.add_row("most certain 20%", *(percent(fifth[k]) for k in ("accuracy", "balanced_accuracy")), "")
    if f["intervals"]:
        words, spans = f"in its {f['intervals']['promised']:.0%} interval", f["intervals"]
        sure = limits(spans["balanced_coverage_interval"])
        table.add_row(words, percent(spans["coverage"]), percent(spans["balanced_coverage"]), sure)
        table.add_row("  width", number(spans["mean_width"]), number(spans["balanced_mean_width"]), "")
    for row in f["baselines"]:
        table.add_row(row["name"].split(",")[0], percent(row["accuracy"]), percent(row["balanced_accuracy"]), "")
    if f["rekognition"]:
        row = f["rekognition"]["rekognition"]
        name = f"Rekognition, {f['rekognition']['photographs']} of them"
        table.add_row(name, percent(row["accuracy"]), percent(row["balanced_accuracy"]), "")
    return table


def _shares(f: dict[str, Any]) -> Table:
    orders = f["orders"]
    table = _table("\norders", "")
    table.add_row("altered, let pass as MATCH", percent(orders["miss_rate"]))
    table.add_row("altered, found", percent(orders["found"]))
    table.add_row("right, called SHORT or OVER", percent(orders["false_alarm_rate"]))
    table.add_row(f"to a person, {orders['wrong_share']:.0%} of orders wrong", percent(orders["to_person"]))
    for name, group in (f["out_of_range"] or {"groups": {}})["groups"].items():
        if name in ("empty", "fuller"):
            words = f"{name} bins ({group['photographs']}): confidence above 50%"
            table.add_row(words, percent(group["confident"]["0.5"]))
    return table
