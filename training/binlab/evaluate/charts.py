"""The plots of an evaluation, from its figures alone: they show no photo."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from binlab.evaluate.evaluation import EDGES
from binlab.evaluate.metrics import wilson_limits

BLUE, ORANGE, GREEN, GREY = "#1f5fa8", "#d9731a", "#2a8a5c", "#8a8f98"  # distinguishable with colour blindness
PERCENT = PercentFormatter(1, decimals=0)


def plots_of(figures: dict[str, Any]) -> dict[str, bytes]:
    """Each plot as PNG, by name; `out-of-range` only if the data has such bins."""
    plots: dict[str, Callable[[dict[str, Any]], Figure]] = {
        "confusion": confusion,
        "reliability": reliability,
        "risk-coverage": risk_coverage,
        "thresholds": thresholds,
    }
    if figures["out_of_range"]:
        plots["out-of-range"] = out_of_range
    return {name: png(plot(figures)) for name, plot in plots.items()}


def png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=144)
    return file.getvalue()


def axes(width: float, height: float, across: int = 1) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height), layout="constrained")
    panels = list(np.atleast_1d(np.asarray(figure.subplots(1, across))))
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(color="#e6e8eb", linewidth=0.8)
        panel.set_axisbelow(True)
    return figure, panels


def count_name(count: int, classes: list[int]) -> str:
    return "empty" if count < classes[0] else f"more than {classes[-1]}" if count > classes[-1] else str(count)


def confusion(figures: dict[str, Any]) -> Figure:
    table = figures["confusion"]
    numbers, columns, classes = np.array(table["images"]), table["counted"], table["classes"]
    shares = numbers / np.maximum(numbers.sum(1, keepdims=True), 1)
    figure, (panel,) = axes(5.6, 0.75 + 0.62 * len(numbers))
    panel.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    panel.grid(visible=False)
    panel.spines[:].set_visible(False)
    panel.tick_params(length=0)
    for (row, column), share in np.ndenumerate(shares):
        colour = "white" if share > 0.55 else "black"
        weight = "bold" if table["recorded"][row] == columns[column] else "normal"
        words = f"{share:.0%}\n{numbers[row, column]}"
        panel.text(column, row, words, ha="center", va="center", color=colour, fontsize=9, fontweight=weight)
    panel.set_xticks(range(len(columns)), [count_name(count, classes) for count in columns])
    panel.set_yticks(range(len(numbers)), [count_name(count, classes) for count in table["recorded"]])
    panel.set_xlabel("predicted count")
    panel.set_ylabel("recorded count")
    return figure


def reliability(figures: dict[str, Any]) -> Figure:
    """Balanced, with 95% limits."""
    found = figures["calibration"]["balanced"]
    figure, (panel,) = axes(5.2, 4.6)
    panel.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="perfect calibration")
    for each in found["bins"]:
        low, high = wilson_limits(each["correct"], each["images"])
        panel.plot([each["confidence"]] * 2, [low, high], color=BLUE, alpha=0.35, linewidth=2)
    x, y = ([each[name] for each in found["bins"]] for name in ("confidence", "correct"))
    panel.plot(x, y, "o-", color=BLUE, linewidth=1.4, markersize=5, label="measured, 95% limits")
    left, width = [each["low"] for each in found["bins"]], [each["high"] - each["low"] for each in found["bins"]]
    panel.bar(left, [each["share"] for each in found["bins"]], width, align="edge", color=ORANGE, alpha=0.3)
    panel.bar(0, 0, 0, color=ORANGE, alpha=0.3, label="share of photos")
    panel.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="share correct")
    panel.set_title(f"ECE {found['ece']:.3f} (by chance: {found['ece_by_chance']:.3f})", fontsize=10, loc="left")
    panel.legend(frameon=False, fontsize=9, loc="upper left")
    return in_percent(figure, panel)


def in_percent(figure: Figure, panel: Axes) -> Figure:
    panel.xaxis.set_major_formatter(PERCENT)
    panel.yaxis.set_major_formatter(PERCENT)
    return figure


def risk_coverage(figures: dict[str, Any]) -> Figure:
    found = figures["risk_coverage"]
    coverage, risk = (np.array(found["curve"][name][3:]) for name in ("coverage", "risk"))  # the first points are noise
    error = found["area_of_random_order"]
    figure, (panel,) = axes(5.2, 4.2)
    panel.axhline(error, color=GREY, linestyle="--", linewidth=1, label="uninformative confidence")
    best = np.maximum(0, 1 - (1 - error) / coverage)
    panel.plot(coverage, best, color=GREEN, linestyle=":", linewidth=1.4, label="perfect order")
    panel.plot(coverage, risk, color=BLUE, linewidth=1.8, label=f"this model, area {found['area']:.3f}")
    fifth = found["most_confident"]["0.2"]["accuracy"]
    panel.plot(0.2, 1 - fifth, "o", color=ORANGE, label=f"most confident 20%: {fifth:.0%} correct")
    panel.set(xlim=(0, 1), ylim=(0, max(0.1, 1.15 * max(error, risk.max()))))
    panel.set(xlabel="share answered, most confident first", ylabel="share wrong")
    panel.legend(frameon=False, fontsize=9, loc="lower right")
    return in_percent(figure, panel)


def thresholds(figures: dict[str, Any]) -> Figure:
    orders = figures["orders"]
    grid, match, variance = orders["grid"], orders["match_threshold"], orders["variance_threshold"]
    figure, (of_match, of_variance, person) = axes(11.5, 3.9, across=3)
    # The miss rate does not depend on the variance threshold, nor false alarms on the match threshold.
    by_match, by_variance = along(grid, "variance", grid[0]["variance"]), along(grid, "match", grid[0]["match"])
    lines(
        of_match, by_match, "match", {"matched": (BLUE, "correct order"), "miss_rate": (ORANGE, "wrong order (missed)")}
    )
    names = {"found": (BLUE, "wrong order, found"), "false_alarm_rate": (ORANGE, "correct order, false alarm")}
    lines(of_variance, by_variance, "variance", names)
    for chosen, colour in ((0.5, GREEN), (0.8, BLUE), (0.9, ORANGE)):
        rows = along(grid, "variance", chosen)
        lines(person, rows, "match", {"to_person": (colour, f"SHORT, OVER at {chosen:g}")})
    finish(of_match, "called MATCH", "MATCH", match)
    finish(of_variance, "called SHORT or OVER", "SHORT and OVER", variance)
    finish(person, f"sent to a person, {orders['wrong_share']:.0%} of orders wrong", "MATCH", match)
    return figure


def along(grid: list[dict[str, float]], name: str, value: float) -> list[dict[str, float]]:
    return [each for each in grid if each[name] == value]


def lines(panel: Axes, rows: list[dict[str, float]], across: str, names: dict[str, tuple[str, str]]) -> None:
    for name, (colour, words) in names.items():
        x, y = ([row[key] for row in rows] for key in (across, name))
        panel.plot(x, y, "o-", color=colour, markersize=3, label=words)


def finish(panel: Axes, title: str, verdict: str, chosen: float) -> None:
    panel.axvline(chosen, color=GREY, linestyle="--", linewidth=1)
    panel.set(xlabel=f"threshold for {verdict}", ylim=(0, max(0.1, panel.get_ylim()[1])))
    panel.set_title(title, fontsize=10, loc="left")
    panel.yaxis.set_major_formatter(PERCENT)
    panel.legend(frameon=False, fontsize=9)


def out_of_range(figures: dict[str, Any]) -> Figure:
    groups = figures["out_of_range"]["groups"]
    colours = {"in_range": GREY, "empty": BLUE, "over_range": ORANGE}
    figure, (panel,) = axes(5.6, 3.8)
    for name, colour in colours.items():
        if name in groups:
            words = f"{name.replace('_', ' ')} ({groups[name]['images']})"
            panel.stairs(groups[name]["confidence_shares"], EDGES, color=colour, linewidth=1.8, label=words)
    panel.set(xlim=(0, 1), xlabel="probability of the best class", ylabel="share of photos")
    panel.legend(frameon=False, fontsize=9)
    return in_percent(figure, panel)
