"""The state of a training run: network, optimizer, schedule, weight average, processes, and their checkpoint."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from binlab.train.recipe import Recipe

History = list[dict[str, Any]]

_OPTIMIZERS: dict[str, type[torch.optim.Adam]] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


@dataclass(frozen=True)
class TrainState:
    """Everything that a step changes. `network` is the DistributedDataParallel wrapper if there are several processes.

    `averaged` is the exponential moving average of the weights (None: off). `rank` is the index of this process among
    `world_size`.
    """

    network: nn.Module
    averaged: AveragedModel | None
    optimizer: Optimizer
    schedule: LRScheduler
    rank: int = 0
    world_size: int = 1

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device


def train_state(network: nn.Module, recipe: Recipe, images: int, rank: int = 0, world_size: int = 1) -> TrainState:
    """Move `network` to the best device and set up what the recipe trains it with on so many images."""
    network.to(_device(), memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer, schedule = _optimizer(network, recipe, recipe.epochs * steps_in_epoch(images, recipe, world_size))
    averaged = None
    if recipe.ema:
        mean = get_ema_multi_avg_fn(recipe.ema)  # type: ignore[no-untyped-call]
        # use_buffers: also average BatchNorm's running statistics, which belong to the weights they were measured with.
        averaged = AveragedModel(network, multi_avg_fn=mean, use_buffers=True)
    wrapped = DistributedDataParallel(network) if world_size > 1 else network
    return TrainState(wrapped, averaged, optimizer, schedule, rank, world_size)


def steps_in_epoch(images: int, recipe: Recipe, world_size: int = 1) -> int:
    """The last, smaller batch counts only if some process gets two images of it: BatchNorm cannot train on one."""
    full, rest = divmod(images, recipe.batch)
    return full + (rest > world_size)


def _device() -> torch.device:
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def _optimizer(network: nn.Module, recipe: Recipe, steps: int) -> tuple[Optimizer, LRScheduler]:
    """The optimizer, and a constant or one-cycle (arXiv:1708.07120) learning rate over `steps` steps."""
    head = list(network.get_submodule("fc").parameters())
    body = [parameter for name, parameter in network.named_parameters() if not name.startswith("fc.")]
    peaks = [recipe.lr, recipe.head_lr_mult * recipe.lr]
    groups = [{"params": body, "lr": peaks[0]}, {"params": head, "lr": peaks[1]}]
    optimizer = _OPTIMIZERS[recipe.optimizer](groups, lr=recipe.lr, weight_decay=recipe.weight_decay, fused=True)
    if recipe.schedule == "constant":
        return optimizer, LambdaLR(optimizer, lambda _: 1.0)
    rising = 0.25
    # OneCycleLR divides by the length of its phases: a run too short for a rising phase of one step would divide by 0.
    return optimizer, OneCycleLR(optimizer, peaks, total_steps=max(steps, round(1 / rising) + 1), pct_start=rising)


@contextmanager
def process_group() -> Iterator[tuple[int, int]]:
    """The rank of this process and the world size, as set by torchrun; 0 and 1 without it."""
    if "RANK" not in os.environ:
        yield 0, 1
        return
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield distributed.get_rank(), distributed.get_world_size()
    finally:
        distributed.destroy_process_group()


def from_rank_zero(value: bool) -> bool:
    """The value of process 0 in every process. If they disagreed on when to stop, the others would wait for ever."""
    if not distributed.is_initialized():
        return value
    values = [value]
    distributed.broadcast_object_list(values, src=0)
    return values[0]


class CheckpointError(Exception):
    """A checkpoint that belongs to another run."""


@dataclass(frozen=True)
class Checkpoint:
    """`checkpoint.pt` in `folder`: everything that a run with these `flags` needs to continue after an epoch."""

    folder: Path
    network: nn.Module
    state: TrainState
    flags: str

    @property
    def path(self) -> Path:
        return self.folder / "checkpoint.pt"

    def _parts(self) -> dict[str, Any]:
        parts = {"network": self.network, "optimizer": self.state.optimizer, "schedule": self.state.schedule}
        return {**parts, "averaged": self.state.averaged} if self.state.averaged else parts

    def save(self, history: History) -> None:
        """Replace the file in one step, so that it is never half written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {name: part.state_dict() for name, part in self._parts().items()}
        unfinished = self.path.with_suffix(".part")
        torch.save({**state, "history": history, "flags": self.flags}, unfinished)
        unfinished.replace(self.path)

    def restore(self) -> History:
        """Load the state after the last finished epoch; the figures of all finished epochs. Empty without a file.

        Raises CheckpointError if the file was written with other flags.
        """
        if not self.path.exists():
            return []
        saved = torch.load(self.path, weights_only=True, map_location=self.state.device)
        if saved["flags"] != self.flags:
            raise CheckpointError(
                f"{self.path} is of a run with other flags: {saved['flags']}\n"
                "Use the same flags to continue it, or another --out to start a new run."
            )
        for name, part in self._parts().items():
            part.load_state_dict(saved[name])
        return list(saved["history"])
