"""A training run that can be stopped after any epoch and goes on as if it had not been."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from binlab.train.loop import Learner

History = list[dict[str, float]]
NAME = "checkpoint.pt"


class CheckpointError(Exception):
    """A checkpoint that belongs to another run."""


@dataclass(frozen=True)
class Checkpoint:
    """The file `checkpoint.pt` in `folder`: all that changes while `learner` learns by a recipe with these `flags`."""

    folder: Path
    network: nn.Module
    learner: Learner
    flags: str

    @property
    def path(self) -> Path:
        return self.folder / NAME

    def _parts(self) -> dict[str, Any]:
        parts = {"network": self.network, "optimiser": self.learner.optimiser, "schedule": self.learner.schedule}
        return {**parts, "averaged": self.learner.averaged} if self.learner.averaged else parts

    def save(self, history: History) -> None:
        """Replace the file at once, so that it is never half written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {name: part.state_dict() for name, part in self._parts().items()}
        unfinished = self.path.with_suffix(".part")
        torch.save({**state, "history": history, "flags": self.flags}, unfinished)
        unfinished.replace(self.path)

    def restore(self) -> History:
        """The figures of the epochs that are done, with everything as it was after the last; empty without a file.

        Raises CheckpointError when it was written with other flags.
        """
        if not self.path.exists():
            return []
        saved = torch.load(self.path, weights_only=True, map_location=self.learner.device)
        if saved["flags"] != self.flags:
            raise CheckpointError(
                f"{self.path} is of a run with other flags: {saved['flags']}\nRepeat those, or give another folder."
            )
        for name, part in self._parts().items():
            part.load_state_dict(saved[name])
        return list(saved["history"])
