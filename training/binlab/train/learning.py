"""What learns: device, optimiser, schedule, average, and the processes that learn together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from binlab.train.loop import Learner, steps_of
from binlab.train.recipe import Recipe

_OPTIMISERS: dict[str, type[torch.optim.Adam]] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


@contextmanager
def processes() -> Iterator[tuple[int, int]]:
    """The rank of this process and how many learn together, as torchrun says in the environment; 0 and 1 without."""
    if "RANK" not in os.environ:
        yield 0, 1
        return
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield distributed.get_rank(), distributed.get_world_size()
    finally:
        distributed.destroy_process_group()


def as_the_first_says(value: bool) -> bool:
    """What process 0 gave, for all, so that none goes on alone."""
    if not distributed.is_initialized():
        return value
    said = [value]
    distributed.broadcast_object_list(said, src=0)
    return said[0]


def learner_for(network: nn.Module, recipe: Recipe, photographs: int, rank: int, together: int) -> Learner:
    """`network` on the best device there is, with what the recipe moves it by."""
    device = _device()
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser, schedule = _movers(network, recipe, recipe.epochs * steps_of(photographs, recipe, together))
    averaged = None
    if recipe.ema:
        mean = get_ema_multi_avg_fn(recipe.ema)  # type: ignore[no-untyped-call]
        averaged = AveragedModel(network, multi_avg_fn=mean, use_buffers=True)
    wrapped = DistributedDataParallel(network) if together > 1 else network
    return Learner(wrapped, averaged, optimiser, schedule, rank, together)


def _device() -> torch.device:
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def _movers(network: nn.Module, recipe: Recipe, steps: int) -> tuple[Optimizer, LRScheduler]:
    """The optimiser, and a constant or a one-cycle (arXiv:1708.07120) learning rate over `steps` steps."""
    last = list(network.get_submodule("fc").parameters())
    body = [parameter for name, parameter in network.named_parameters() if not name.startswith("fc.")]
    peaks = [recipe.rate, recipe.head * recipe.rate]
    groups = [{"params": body, "lr": peaks[0]}, {"params": last, "lr": peaks[1]}]
    optimiser = _OPTIMISERS[recipe.optimiser](groups, lr=recipe.rate, weight_decay=recipe.decay, fused=True)
    if recipe.schedule == "constant":
        return optimiser, LambdaLR(optimiser, lambda _: 1.0)
    rising = 0.25
    return optimiser, OneCycleLR(optimiser, peaks, total_steps=max(steps, round(1 / rising) + 1), pct_start=rising)
