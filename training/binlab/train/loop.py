"""The training loop: one epoch, and validation after it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from binmodel.predict import counted, softmax
from binmodel.preprocess import Pixels
from torch import nn
from torch.nn import functional

from binlab.data.dataset import CLASSES, LabelledImage
from binlab.evaluate.metrics import summary
from binlab.train.network import Probabilities, logits_of, mixed_precision
from binlab.train.pixels import Indices, augment, batches, mixup, normalised, to_batch
from binlab.train.recipe import Recipe
from binlab.train.state import TrainState, steps_in_epoch

Progress = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(frozen=True)
class EpochStats:
    """Mean loss and mean gradient norm (before the step) of an epoch."""

    loss: float
    gradient: float


def train_one_epoch(
    state: TrainState,
    pixels: Pixels,
    labels: Indices,
    recipe: Recipe,
    *,
    epoch: int,
    outputs: int,
    isolated: tuple[int, ...] = (),
    teacher: Probabilities | None = None,
    progress: Progress = iter,
) -> EpochStats:
    """Train on `pixels`, uint8 (N, C, C, 3), from which crops of the epoch's size are made, and output indices (N,).

    `teacher` are the probabilities (N, outputs) of a teacher. Raises FloatingPointError if the loss is not finite.

    Randomness depends only on the seed, the epoch and the rank, so a run continued from a checkpoint is bit for bit the
    run that was never interrupted.
    """
    state.network.train()
    size, generator = recipe.size_of(epoch), seeded(recipe.seed, epoch, 1 + state.rank)
    # The same order in every process: each takes every world_size-th image of the same batch.
    order = torch.randperm(len(labels), generator=seeded(recipe.seed, epoch)).numpy()
    steps = list(batches(order, recipe.batch))[: steps_in_epoch(len(labels), recipe, state.world_size)]
    stats = []
    for batch_indices in progress(steps):
        indices = np.sort(batch_indices[state.rank :: state.world_size])  # sorted: sequential reads of the mapped file
        batch = augment(to_batch(pixels[indices]), size, recipe.augment, generator)
        targets = soft_targets(torch.from_numpy(labels[indices]), outputs, recipe.neighbour_smoothing, isolated)
        if teacher is not None:
            targets = (1 - recipe.distil) * targets + recipe.distil * torch.from_numpy(teacher[indices])
        stats.append(_step(state, *mixup(normalised(batch), targets, recipe.mixup, generator)))
    return EpochStats(float(np.mean([step.loss for step in stats])), float(np.mean([step.gradient for step in stats])))


def _step(state: TrainState, batch: torch.Tensor, targets: torch.Tensor) -> EpochStats:
    # bfloat16 keeps the exponent range of float32, so unlike float16 it needs no gradient scaler.
    with mixed_precision(state.device):
        logits = state.network(batch.to(state.device, memory_format=torch.channels_last))
    loss = functional.cross_entropy(logits.float(), targets.to(state.device))
    if not math.isfinite(loss.item()):
        raise FloatingPointError("Loss is not finite. Lower --lr, or look for corrupt photos with explore.py.")
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    gradient = nn.utils.get_total_norm([p.grad for p in state.network.parameters() if p.grad is not None])
    state.optimizer.step()
    state.schedule.step()
    if state.averaged:
        state.averaged.update_parameters(state.network)
    return EpochStats(loss.item(), gradient.item())


def soft_targets(labels: torch.Tensor, outputs: int, smoothing: float, isolated: tuple[int, ...] = ()) -> torch.Tensor:
    """Float (N, outputs): the recorded count, with the share `smoothing` moved to its neighbours n - 1 and n + 1.

    Counts are ordered and records are sometimes off by one, so a neighbour is less wrong than a distant count. Outputs
    in `isolated` neither give nor receive: an empty bin is no neighbour of a bin with one item.
    """
    one_hot = functional.one_hot(labels, outputs).float()
    giving = one_hot.clone()
    giving[:, list(isolated)] = 0
    beside = functional.pad(giving[:, 1:], (0, 1)) + functional.pad(giving[:, :-1], (1, 0))
    beside[:, list(isolated)] = 0
    found = beside.sum(1, keepdim=True)
    share = smoothing * (found > 0)
    return (1 - share) * one_hot + share * beside / found.clamp_min(1)


def seeded(*numbers: int) -> torch.Generator:
    """An independent generator for each sequence of numbers. Sums would collide: seed 7 + epoch 2, seed 8 + epoch 1."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence(numbers).generate_state(1)[0]))


@dataclass(frozen=True)
class Validator:
    """Measures a network on images it does not learn from.

    `outputs` are the counts that its outputs stand for; `logit_adjustment` (outputs,) is added to its logits.
    """

    outputs: tuple[int, ...]
    logit_adjustment: npt.NDArray[np.float32]

    def figures(self, network: nn.Module, pixels: Pixels, images: Sequence[LabelledImage]) -> dict[str, Any]:
        """Balanced figures over images with a count in CLASSES, and the share of each predicted count."""
        logits = logits_of(network, pixels) + self.logit_adjustment
        probabilities = softmax(logits[:, np.isin(self.outputs, CLASSES)])
        found = summary(probabilities, np.array([image.count for image in images]), CLASSES)
        predicted = np.bincount(counted(probabilities), minlength=len(CLASSES)) / len(images)
        return {
            "validation_loss": found["balanced_log_loss"],
            "balanced_accuracy": found["balanced_accuracy"],
            "rmse_expected": found["balanced_rmse_expected"],
            "within_one": found["balanced_within_one"],
            "ece": found["balanced_ece"],
            "accuracy": found["accuracy"],
            "predicted_shares": {str(count): float(share) for count, share in zip(CLASSES, predicted, strict=True)},
        }
