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
        "lift": lift,
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


def lift(figures: dict[str, Any]) -> Figure:
    """Wrong lines found against lines looked at, and what is settled against the risk that is accepted."""
    by_rate = figures["orders"]["by_rate"]
    figure, (found, settled, leak) = axes(11.5, 3.9, across=3)
    across = np.linspace(0, 1, len(next(iter(by_rate.values()))["lift_curve"]))
    found.plot(across, across, color=GREY, linestyle="--", linewidth=1, label="in any order")
    for (rate, rates), colour in zip(by_rate.items(), (GREEN, BLUE, ORANGE), strict=False):
        label = f"{float(rate):.0%} of orders wrong"
        found.plot(across, rates["lift_curve"], color=colour, label=label)
        risks = [row["match_risk"] for row in rates["by_match_risk"]]
        settled.plot(risks, [row["settled"] for row in rates["by_match_risk"]], "o-", color=colour, markersize=3)
        for name, style in (("wrong_settled", "o-"), ("wrong_settled_bound", ":")):
            leak.plot(risks, [row[name] for row in rates["by_match_risk"]], style, color=colour, markersize=3)
    found.legend(frameon=False, fontsize=9, loc="lower right")
    titles = (
        "wrong orders found, riskiest first",
        "settled without a person",
        "wrong among the settled (dotted: 95% bound)",
    )
    labels = ("share of lines looked at", "MatchRisk", "MatchRisk")
    for panel, title, label in zip((found, settled, leak), titles, labels, strict=True):
        panel.set_title(title, fontsize=10, loc="left")
        panel.set(xlabel=label, xlim=(0, None), ylim=(0, None))
        panel.xaxis.set_major_formatter(PERCENT)
        panel.yaxis.set_major_formatter(PERCENT)
    found.set(xlim=(0, 1), ylim=(0, 1))
    leak.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    return figure


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
