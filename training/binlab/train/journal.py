"""The record of a run: printed lines, warnings, curves, TensorBoard, and training.json at the end."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch.utils.tensorboard import SummaryWriter

from binlab.train.monitor import RunWarning, epoch_line, warnings_after
from binlab.train.state import History

RECORD = "training.json"
_SHARES = "predicted_shares"  # nested, so neither printed nor a scalar
_PANELS = (
    ("Loss", {"loss": "training", "validation_loss": "validation"}),
    ("Validation, balanced", {"balanced_accuracy": "accuracy", "within_one": "within one"}),
    ("Error of the expected value, items", {"rmse_expected": "RMSE"}),
    ("Gradient norm", {"gradient": "mean of the epoch"}),
)


class Journal:
    """The epochs of a run in `folder`, starting from `history`. Only a journal that `writes` prints or writes files."""

    def __init__(self, folder: Path, history: History, *, writes: bool = True) -> None:
        self.folder, self.history, self.writes = folder, history, writes
        self.warnings: list[RunWarning] = [
            warning for done in range(1, len(history) + 1) for warning in warnings_after(history[:done])
        ]

    @property
    def epochs(self) -> int:
        return len(self.history)

    def has_warned(self, rules: Sequence[str]) -> bool:
        return any(warning.rule in rules for warning in self.warnings)

    def add(self, **figures: Any) -> None:
        """Record a finished epoch: print its line and its warnings, and redraw the curves."""
        self.history.append({"epoch": self.epochs + 1, **figures})
        found = warnings_after(self.history)
        self.warnings += found
        if not self.writes:
            return
        print(epoch_line({name: value for name, value in self.history[-1].items() if name != _SHARES}), flush=True)
        for warning in found:
            print(f"warning: {warning}", file=sys.stderr, flush=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        draw_curves(self.history, self.folder / "curves.png")
        with SummaryWriter(str(self.folder / "tensorboard")) as board:
            for name, value in self.history[-1].items():
                if name == _SHARES:
                    board.add_scalars(name, value, self.epochs)
                elif name != "epoch":
                    board.add_scalar(name, value, self.epochs)

    def close(
        self, weights: str | None, start: Path | None, teacher: Path | None, flags: str, outputs: Sequence[int],
        *, volume: bool = False, final: bool = False,
    ) -> None:  # fmt: skip
        """Write training.json: everything needed to repeat the run, including the flags of the runs before it."""
        earlier = json.loads((start / RECORD).read_text()) if start else {"recipe": [], "history": []}
        source = Path(weights).name if weights else "torchvision's ResNet50_Weights.IMAGENET1K_V2"
        record = {
            "starting_weights": source,
            **earlier,
            "teacher": json.loads((teacher / RECORD).read_text())["recipe"] if teacher else earlier.get("teacher"),
            "outputs": list(outputs),
            "volume": volume,
            "final": final or earlier.get("final", False),  # what the run before learned from is no longer unseen
            "recipe": [*earlier["recipe"], flags],
            "history": [*earlier["history"], *self.history],
            "warnings": [str(warning) for warning in self.warnings],
        }
        (self.folder / RECORD).write_text(json.dumps(record, indent=2) + "\n")


def draw_curves(history: History, path: Path) -> None:
    """Write the curves of a run as a PNG: losses, validation accuracy, error and gradient norm."""
    figure = Figure(figsize=(11, 7), layout="constrained")
    for axes, (title, lines) in zip(figure.subplots(2, 2).flat, _PANELS, strict=True):
        _draw(axes, history, title, lines)
    figure.savefig(path, dpi=110)


def _draw(axes: Axes, history: History, title: str, lines: dict[str, str]) -> None:
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
