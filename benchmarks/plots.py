"""The plots of docs/performance.md, made of results.json alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from binlab.evaluate.charts import BLUE, GREEN, GREY, ORANGE, axes, png
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Section = Mapping[str, Any]
COLOURS = {
    "emulator": "#c9ced6",
    "local SageMaker": "#aab1bc",
    "this program": GREY,
    "functions": ORANGE,
    "model server": BLUE,
}
MODES = {"async": BLUE, "batch": ORANGE, "lambda": GREEN}
BAR = 0.62


def write_plots(results: Mapping[str, Section], folder: Path) -> None:
    """One PNG for each section that was measured."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, section in results.items():
        (folder / f"{name}.png").write_bytes(png(PLOTS[name](section)))


def bars(panel: Axes, rows: Sequence[Section], title: str) -> None:
    """A bar for each row of `measure.compared`, the spread as a line, the ratio in words."""
    places = range(len(rows))[::-1]
    values = [row["value"]["median"] for row in rows]
    colours = [BLUE if "ours" in row["name"] or row.get("ours") else GREY for row in rows]
    panel.barh(places, values, BAR, color=colours)
    for place, row in zip(places, rows, strict=True):
        value = row["value"]
        panel.plot([value["min"], value["max"]], [place, place], color="#20242a", linewidth=1.4)
        words = "baseline" if row["baseline"] else f"{row['ratio']['median']:g}x"
        panel.text(value["max"] + 0.015 * max(values), place, words, va="center", fontsize=9)
    panel.set_yticks(list(places), [row["name"] for row in rows], fontsize=9)
    panel.set_xlim(0, 1.2 * max(row["value"]["max"] for row in rows))
    panel.set_title(title, fontsize=10, loc="left")
    panel.set_xlabel(rows[0]["unit"])
    flat(panel)


def flat(panel: Axes) -> None:
    """Horizontal bars need no vertical axis."""
    panel.grid(visible=False, axis="y")
    panel.tick_params(axis="y", length=0)
    panel.spines["left"].set_visible(False)


def inference(section: Section) -> Figure:
    rows = [*section["from_jpeg"], *section["from_pixels"]]
    figure = Figure(figsize=(7.6, 4.6), layout="constrained")
    heights = [len(section["from_jpeg"]), len(section["from_pixels"])]
    top, bottom = figure.subplots(2, 1, height_ratios=[each + 1 for each in heights], sharex=True)
    for panel in (top, bottom):
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(color="#e6e8eb", linewidth=0.8)
        panel.set_axisbelow(True)
    bars(top, section["from_jpeg"], "from JPEG files to counts")
    top.set_xlabel("")
    bars(bottom, section["from_pixels"], "from pixels that are ready")
    bottom.set_xlim(0, 1.2 * max(row["value"]["max"] for row in rows))
    return figure


def http(section: Section) -> Figure:
    figure, (panel,) = axes(7.6, 0.9 + 0.42 * len(section["rows"]))
    bars(
        panel,
        [{**row, "ours": not row["baseline"]} for row in section["rows"]],
        "the model server, by size of the manifest",
    )
    return figure


def end_to_end(section: Section) -> Figure:
    figure, (time, latency) = axes(9.6, 3.4, across=2)
    rows, kinds = section["cpu"], list(section["memory_mib"])
    places = range(len(rows))[::-1]
    left = [0.0] * len(rows)
    for kind in kinds:
        widths = [row["seconds"][kind]["median"] for row in rows]
        time.barh(places, widths, BAR, left=left, color=COLOURS[kind], label=kind)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    time.set_yticks(list(places), [row["name"] for row in rows], fontsize=9)
    time.set_title("processor seconds for 1,000 photos", fontsize=10, loc="left")
    flat(time)
    figure.legend(
        *time.get_legend_handles_labels(), loc="outside lower left", ncols=len(kinds), frameon=False, fontsize=9
    )
    found = section["latency"]
    places = range(len(found))[::-1]
    for place, row in zip(places, found, strict=True):
        latency.plot([row["p50"], row["p99"]], [place, place], color=BLUE, alpha=0.35, linewidth=3)
    for part, colour in (("p50", BLUE), ("p95", ORANGE), ("p99", GREY)):
        latency.plot([row[part] for row in found], list(places), "o", color=colour, label=part)
    latency.set_yticks(list(places), [row["name"] for row in found], fontsize=9)
    latency.set(xlim=(0, None), ylim=(-0.6, len(found) - 0.4))
    latency.set_title("seconds from upload to verdict", fontsize=10, loc="left")
    latency.legend(frameon=False, fontsize=9)
    flat(latency)
    return figure


def aws(section: Section) -> Figure:
    rows, modes = section["dollars"], list(section["dollars"][0]["modes"])
    figure, (panel,) = axes(7.6, 0.9 + 0.72 * len(rows))
    most = max(row["modes"][mode] for row in rows for mode in modes)
    for place, row in zip(range(len(rows))[::-1], rows, strict=True):
        for step, mode in enumerate(modes):
            at, value = place + 0.26 - 0.26 * step, row["modes"][mode]
            panel.plot(value, at, "o", color=MODES[mode], markersize=7, label=mode if row is rows[0] else None)
            panel.text(1.18 * value, at, f"{value:,.3g}" if value < 1000 else f"{value:,.0f}", va="center", fontsize=8)
    panel.set_yticks(range(len(rows))[::-1], [row["name"] for row in rows], fontsize=9)
    panel.set_xscale("log")
    panel.set_xlim(right=3 * most)
    panel.set_title("US dollars for a million images (unchecked prices, logarithmic)", fontsize=10, loc="left")
    panel.legend(frameon=False, fontsize=9, loc="upper right")
    flat(panel)
    return figure


def cold_start(section: Section) -> Figure:
    rows = section["functions"]
    figure, (panel,) = axes(7.6, 0.9 + 0.55 * len(rows))
    for place, row in zip(range(len(rows))[::-1], rows, strict=True):
        for at, name, colour, words in ((0.17, "cold_ms", BLUE, "ours"), (-0.17, "bare_cold_ms", GREY, "bare boto3")):
            value = row[name]
            panel.barh(place + at, value["median"], 0.3, color=colour, label=words if row is rows[0] else None)
            panel.plot([value["min"], value["max"]], [place + at] * 2, color="#20242a", linewidth=1.2)
        panel.text(
            row["cold_ms"]["max"] + 6, place + 0.17, f"{row['cold_ratio']['median']:g}x", va="center", fontsize=9
        )
    panel.set_yticks(range(len(rows))[::-1], [row["name"] for row in rows], fontsize=9)
    panel.set_xlim(0, 1.25 * max(row["cold_ms"]["max"] for row in rows))
    panel.set_title("milliseconds that only a first event takes", fontsize=10, loc="left")
    panel.legend(frameon=False, fontsize=9, loc="upper right")
    flat(panel)
    return figure


PLOTS: Mapping[str, Callable[[Section], Figure]] = {
    "inference": inference,
    "http": http,
    "end_to_end": end_to_end,
    "aws": aws,
    "cold_start": cold_start,
}
