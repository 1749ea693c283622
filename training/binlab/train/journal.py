"""What a run leaves for people and programs while it goes on: lines, warnings, curves, TensorBoard, the record."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from binlab.train.checkpoint import History
from binlab.train.curves import draw_curves
from binlab.train.monitor import Warning, warnings_after
from binlab.train.signals import epoch_line

RECORD = "training.json"


class Journal:
    """The epochs of a run in `folder`, those in `history` already done. Only one that `writes` leaves anything."""

    def __init__(self, folder: Path, history: History, *, writes: bool = True) -> None:
        self.folder, self.history, self.writes = folder, history, writes
        self.warnings: list[Warning] = [
            warning for done in range(1, len(history) + 1) for warning in warnings_after(history[:done])
        ]

    @property
    def epochs(self) -> int:
        return len(self.history)

    def warned_of(self, rules: Sequence[str]) -> bool:
        return any(warning.rule in rules for warning in self.warnings)

    def add(self, **figures: Any) -> None:
        """An epoch is done: print its line and what the rules say of it, and draw."""
        self.history.append({"epoch": self.epochs + 1, **figures})
        found = warnings_after(self.history)
        self.warnings += found
        if not self.writes:
            return
        print(epoch_line({name: value for name, value in self.history[-1].items() if name != "guesses"}), flush=True)
        for warning in found:
            print(f"warning: {warning}", file=sys.stderr, flush=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        draw_curves(self.history, self.folder / "curves.png")
        with SummaryWriter(str(self.folder / "tensorboard")) as board:
            for name, value in self.history[-1].items():
                if name == "guesses":
                    board.add_scalars("guesses", value, self.epochs)
                elif name != "epoch":
                    board.add_scalar(name, value, self.epochs)

    def close(
        self, weights: str | None, start: Path | None, teacher: Path | None, flags: str, outputs: Sequence[int]
    ) -> None:
        """Write `training.json`: what a reader needs to make the network again, with the flags of earlier runs."""
        earlier = json.loads((start / RECORD).read_text()) if start else {"recipe": [], "history": []}
        source = Path(weights).name if weights else "torchvision's ResNet50_Weights.IMAGENET1K_V2"
        record = {
            "starting_weights": source,
            **earlier,
            "teacher": json.loads((teacher / RECORD).read_text())["recipe"] if teacher else earlier.get("teacher"),
            "outputs": list(outputs),
            "recipe": [*earlier["recipe"], flags],
            "history": [*earlier["history"], *self.history],
            "warnings": [str(warning) for warning in self.warnings],
        }
        (self.folder / RECORD).write_text(json.dumps(record, indent=2) + "\n")
