"""The curves of a run as one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

_PANELS = (
    ("Loss", {"loss": "training", "validation_loss": "validation"}),
    ("Validation, every count weighing the same", {"balanced_accuracy": "right", "within_one": "within one"}),
    ("Error of the expected value, items", {"rmse_expected": "RMSE"}),
    ("Length of the gradient", {"gradient": "mean of an epoch"}),
)


def draw_curves(history: list[dict[str, Any]], path: Path) -> None:
    """Write the figures of each epoch as a PNG: losses, shares that are right, error and gradient."""
    figure = Figure(figsize=(11, 7), layout="constrained")
    for axes, (title, lines) in zip(figure.subplots(2, 2).flat, _PANELS, strict=True):
        _draw(axes, history, title, lines)
    figure.savefig(path, dpi=110)


def _draw(axes: Axes, history: list[dict[str, Any]], title: str, lines: dict[str, str]) -> None:
    epochs = range(1, len(history) + 1)
    for name, label in lines.items():
        axes.plot(epochs, [epoch[name] for epoch in history], marker=".", label=label)
    for epoch in range(1, len(history)):
        if history[epoch]["size"] != history[epoch - 1]["size"]:
            axes.axvline(epoch + 0.5, color="0.7", linewidth=1, linestyle=":")
            axes.annotate(
                f"{history[epoch]['size']} px", (epoch + 0.5, 1), xycoords=("data", "axes fraction"), fontsize=8,
                xytext=(3, -10), textcoords="offset points", color="0.4",
            )  # fmt: skip
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("epoch")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
