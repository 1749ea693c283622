"""One epoch of learning, and the answers of a network."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from binmodel.preprocess import Pixels
from torch import nn
from torch.nn import functional
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel

from binlab.train.augment import mixed, varied
from binlab.train.pixels import normalised, to_batch
from binlab.train.recipe import Recipe

Logits = npt.NDArray[np.float32]
Probabilities = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Progress = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(frozen=True)
class Learner:
    """What learns: `network` (the wrapped one, where there are several processes), and what moves it.

    `averaged` follows the weights' exponential moving average (None: off). Of `processes` that learn together this is
    number `rank`.
    """

    network: nn.Module
    averaged: AveragedModel | None
    optimiser: Optimizer
    schedule: LRScheduler
    rank: int = 0
    processes: int = 1

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device


@dataclass(frozen=True)
class Learnt:
    """Of one epoch: the mean loss, and the mean length of the gradient (before a step)."""

    loss: float
    gradient: float


def soft_targets(labels: torch.Tensor, outputs: int, to_neighbours: float, alone: tuple[int, ...] = ()) -> torch.Tensor:
    """Float (N, outputs): the record's count, with the share `to_neighbours` given to the counts beside it.

    Counts are ordered and records are sometimes off by one, so a neighbour is less wrong than a far count. The outputs
    in `alone` neither give nor take: an empty bin is no neighbour of one with an item.
    """
    one_hot = functional.one_hot(labels, outputs).float()
    giving = one_hot.clone()
    giving[:, list(alone)] = 0
    beside = functional.pad(giving[:, 1:], (0, 1)) + functional.pad(giving[:, :-1], (1, 0))
    beside[:, list(alone)] = 0
    found = beside.sum(1, keepdim=True)
    share = to_neighbours * (found > 0)
    return (1 - share) * one_hot + share * beside / found.clamp_min(1)


def seeded(*numbers: int) -> torch.Generator:
    """A generator of its own for each sequence of numbers."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence(numbers).generate_state(1)[0]))


def batches(indices: Indices, size: int) -> Iterator[Indices]:
    for start in range(0, len(indices), size):
        yield indices[start : start + size]


def steps_of(photographs: int, recipe: Recipe, processes: int = 1) -> int:
    """How many steps an epoch has. BatchNorm can't learn from one picture, so a rest of one each is left out."""
    full, rest = divmod(photographs, recipe.batch)
    return full + (rest > processes)


def train_one_epoch(
    learner: Learner,
    pixels: Pixels,
    labels: Indices,
    recipe: Recipe,
    *,
    epoch: int,
    outputs: int,
    alone: tuple[int, ...] = (),
    taught: Probabilities | None = None,
    progress: Progress = iter,
) -> Learnt:
    """`pixels` uint8 (N, C, C, 3), of which pictures of the epoch's size are made; `labels` output indices (N,).

    `taught` are a teacher's answers (N, outputs), where it has one.

    What is drawn depends on the seed, the epoch and the rank alone, so a run that was stopped goes on as if it had not
    been. Raises FloatingPointError when the loss is no number.
    """
    learner.network.train()
    size, draws = recipe.size_of(epoch), seeded(recipe.seed, epoch, 1 + learner.rank)
    order = torch.randperm(len(labels), generator=seeded(recipe.seed, epoch)).numpy()
    steps = list(batches(order, recipe.batch))[: steps_of(len(labels), recipe, learner.processes)]
    losses, gradients = [], []
    for together in progress(steps):
        chosen = np.sort(together[learner.rank :: learner.processes])
        batch = varied(to_batch(pixels[chosen]), size, recipe.augment, draws)
        targets = soft_targets(torch.from_numpy(labels[chosen]), outputs, recipe.to_neighbours, alone)
        if taught is not None:
            targets = (1 - recipe.distil) * targets + recipe.distil * torch.from_numpy(taught[chosen])
        learnt = _step(learner, *mixed(normalised(batch), targets, recipe.mixup, draws))
        losses.append(learnt.loss)
        gradients.append(learnt.gradient)
    return Learnt(float(np.mean(losses)), float(np.mean(gradients)))


def _step(learner: Learner, batch: torch.Tensor, targets: torch.Tensor) -> Learnt:
    device = learner.device
    with torch.autocast(device.type, dtype=torch.bfloat16):
        logits = learner.network(batch.to(device, memory_format=torch.channels_last))
    loss = functional.cross_entropy(logits.float(), targets.to(device))
    if not math.isfinite(loss.item()):
        raise FloatingPointError(
            "The loss is no number any more: the learning rate is too high, or a picture is broken."
        )
    learner.optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    gradient = nn.utils.get_total_norm([p.grad for p in learner.network.parameters() if p.grad is not None])
    learner.optimiser.step()
    learner.schedule.step()
    if learner.averaged:
        learner.averaged.update_parameters(learner.network)
    return Learnt(loss.item(), gradient.item())


@torch.inference_mode()
def logits_of(network: nn.Module, pixels: Pixels, *, batch_size: int = 64) -> Logits:
    """Float32 (N, outputs) for uint8 pixels (N, S, S, 3)."""
    network.eval()
    device = next(network.parameters()).device
    parts = []
    for chosen in batches(np.arange(len(pixels)), batch_size):
        batch = normalised(to_batch(pixels[chosen])).to(device, memory_format=torch.channels_last)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            parts.append(network(batch).float().cpu().numpy())
    return np.concatenate(parts)
