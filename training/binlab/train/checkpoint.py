"""A training run that can be stopped after any epoch and goes on as if it had not been."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

History = list[dict[str, float]]


@dataclass(frozen=True)
class Checkpoint:
    """The file `path`, and all that changes while training. It is replaced at once, so it is never half written."""

    path: Path
    network: nn.Module
    optimiser: Optimizer
    schedule: LRScheduler
    generator: torch.Generator

    def save(self, history: History) -> None:
        state = {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "generator": self.generator.get_state(),
            "history": history,
        }
        unfinished = self.path.with_suffix(".part")
        torch.save(state, unfinished)
        unfinished.replace(self.path)

    def restore(self) -> History:
        """The figures of the epochs that are done, with everything as it was after the last; empty without a file."""
        if not self.path.exists():
            return []
        saved = torch.load(self.path, weights_only=True)
        self.network.load_state_dict(saved["network"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.schedule.load_state_dict(saved["schedule"])
        self.generator.set_state(saved["generator"])
        return list(saved["history"])
