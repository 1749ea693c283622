"""One epoch of training, and what the network says of photographs it does not learn from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from binmodel.preprocess import Pixels
from torch import nn
from torch.nn import functional

from binlab.pixels import normalised, to_batch, varied

Logits = npt.NDArray[np.float32]
Progress = Callable[[Iterable[Any]], Iterable[Any]]


def soft_targets(labels: torch.Tensor, classes: int, to_neighbours: float) -> torch.Tensor:
    """Float (N, classes): the record's count, with the share `to_neighbours` given to the counts beside it.

    Counts are ordered and records are sometimes off by one, so a neighbour is less wrong than a far count.
    """
    one_hot = functional.one_hot(labels, classes).float()
    beside = functional.pad(one_hot[:, 1:], (0, 1)) + functional.pad(one_hot[:, :-1], (1, 0))
    return (1 - to_neighbours) * one_hot + to_neighbours * beside / beside.sum(1, keepdim=True)


def batches(indices: npt.NDArray[np.int64], size: int) -> Iterator[npt.NDArray[np.int64]]:
    for start in range(0, len(indices), size):
        yield indices[start : start + size]


def train_one_epoch(
    network: nn.Module,
    pixels: Pixels,
    labels: npt.NDArray[np.int64],
    *,
    size: int,
    batch_size: int,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    generator: torch.Generator,
    to_neighbours: float,
    progress: Progress = iter,
) -> float:
    """Mean loss over the epoch. `pixels` uint8 (N, C, C, 3) with C >= size; `labels` class indices (N,)."""
    network.train()
    device = next(network.parameters()).device
    order = torch.randperm(len(labels), generator=generator).numpy()
    total = 0.0
    steps = [chosen for chosen in batches(order, batch_size) if len(chosen) > 1]  # BatchNorm can't learn from one
    for chosen in progress(steps):
        batch = normalised(varied(to_batch(pixels[np.sort(chosen)]), size, generator))
        with torch.autocast(device.type, dtype=torch.bfloat16):
            logits = network(batch.to(device, memory_format=torch.channels_last))
        target = soft_targets(torch.from_numpy(labels[np.sort(chosen)]), logits.shape[1], to_neighbours)
        loss = functional.cross_entropy(logits.float(), target.to(device))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        total += loss.item() * len(chosen)
    return total / len(labels)


@torch.inference_mode()
def logits_of(network: nn.Module, pixels: Pixels, *, batch_size: int = 64) -> Logits:
    """Float32 (N, classes) for uint8 pixels (N, S, S, 3)."""
    network.eval()
    device = next(network.parameters()).device
    parts = []
    for chosen in batches(np.arange(len(pixels)), batch_size):
        batch = normalised(to_batch(pixels[chosen])).to(device, memory_format=torch.channels_last)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            parts.append(network(batch).float().cpu().numpy())
    return np.concatenate(parts)
